import type { Db } from '../../db/pool.ts';
import type { KeyRing } from '../key-ring.ts';
import { countUnder, listKids, NO_KID } from './sealed-value-store.ts';
import { SEALED_VALUES, type SealedKind } from './sealed-values.ts';

export type ValueCounts = Record<SealedKind, number>;

/** One key, and the numbers of values that are sealed under it. */
export interface KeyStatus {
  kid: string;
  /** Whether this process has the key. */
  configured: boolean;
  /** Whether it is the key that encrypts. */
  first: boolean;
  total: number;
  values: ValueCounts;
}

export interface KeysStatus {
  /** The configured keys in their order, then the missing ones. */
  keys: KeyStatus[];
  /** Texts without a key id: given up, or tampered with. No key opens them. */
  unreadable: { total: number; values: ValueCounts };
}

/** Counts the values under each key in all tables. */
export async function readKeysStatus(db: Db, keyRing: KeyRing): Promise<KeysStatus> {
  const counts = await countByKid(db);
  const missing = [...counts.keys()].filter((kid) => kid !== NO_KID && !keyRing.kids.includes(kid)).sort();
  return {
    keys: [...keyRing.kids, ...missing].map((kid) => keyStatus(kid, keyRing, counts.get(kid))),
    unreadable: withTotal(counts.get(NO_KID)),
  };
}

/** A key that values are sealed under, and that the ring lacks. */
export interface MissingKey {
  kid: string;
  /** The number of values. Undefined if they could not be counted. */
  total: number | undefined;
}

/**
 * Finds the keys that values are sealed under and that the ring lacks. Counts only if there are any, and names the
 * keys even if counting fails or times out.
 */
export async function findMissingKeys(db: Db, keyRing: KeyRing): Promise<MissingKey[]> {
  const kids = new Set<string>();
  for (const values of SEALED_VALUES) for (const kid of await listKids(db, values)) kids.add(kid);
  const missing = [...kids].filter((kid) => kid !== NO_KID && !keyRing.kids.includes(kid)).sort();
  return Promise.all(missing.map(async (kid) => ({ kid, total: await countAllUnder(db, kid) })));
}

async function countAllUnder(db: Db, kid: string): Promise<number | undefined> {
  try {
    let total = 0;
    for (const values of SEALED_VALUES) total += await countUnder(db, values, kid);
    return total;
  } catch {
    return undefined;
  }
}

async function countByKid(db: Db): Promise<Map<string, ValueCounts>> {
  const counts = new Map<string, ValueCounts>();
  for (const values of SEALED_VALUES) {
    for (const kid of await listKids(db, values)) {
      const ofKid = counts.get(kid) ?? noValues();
      counts.set(kid, { ...ofKid, [values.kind]: await countUnder(db, values, kid) });
    }
  }
  return counts;
}

function keyStatus(kid: string, keyRing: KeyRing, values?: ValueCounts): KeyStatus {
  const configured = keyRing.kids.includes(kid);
  return { kid, configured, first: kid === keyRing.primaryKid, ...withTotal(values) };
}

function withTotal(values = noValues()) {
  return { total: Object.values(values).reduce((sum, count) => sum + count, 0), values };
}

function noValues(): ValueCounts {
  // The cast is safe: SEALED_VALUES has an entry for every kind, which a test checks.
  return Object.fromEntries(SEALED_VALUES.map(({ kind }) => [kind, 0])) as ValueCounts;
}
