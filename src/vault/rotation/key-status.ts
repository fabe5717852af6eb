import type { Db } from '../../db/pool.ts';
import type { KeyRing } from '../key-ring.ts';
import { countUnder, listKids, NO_KID } from './sealed-value-store.ts';
import { SEALED_VALUES, type SealedKind } from './sealed-values.ts';

export type ValueCounts = Record<SealedKind, number>;

/** One key, and what is sealed under it. */
export interface KeyStatus {
  kid: string;
  /** Whether this process has it. */
  configured: boolean;
  /** It is the one that encrypts. */
  first: boolean;
  total: number;
  values: ValueCounts;
}

export interface KeysStatus {
  /** The configured ones in their order, then those that are missing. */
  keys: KeyStatus[];
  /** Texts that are none of ours: given up, or tampered with. No key opens them. */
  unreadable: { total: number; values: ValueCounts };
}

/** What is sealed under each key, in all tables. */
export async function readKeysStatus(db: Db, keyRing: KeyRing): Promise<KeysStatus> {
  const counts = await countByKid(db);
  const missing = [...counts.keys()].filter((kid) => kid !== NO_KID && !keyRing.kids.includes(kid)).sort();
  return {
    keys: [...keyRing.kids, ...missing].map((kid) => keyStatus(kid, keyRing, counts.get(kid))),
    unreadable: totalled(counts.get(NO_KID)),
  };
}

/** A key that values are sealed under and that the ring lacks. */
export interface MissingKey {
  kid: string;
  /** How many values; undefined where they could not be counted. */
  total: number | undefined;
}

/**
 * The keys that values are sealed under and that the ring lacks. Counts nothing where there is none; and that a
 * count fails, or takes too long, does not hide which they are.
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
  return { kid, configured, first: kid === keyRing.primaryKid, ...totalled(values) };
}

function totalled(values = noValues()) {
  return { total: Object.values(values).reduce((sum, count) => sum + count, 0), values };
}

function noValues(): ValueCounts {
  // The cast is safe: SEALED_VALUES has one entry of every kind; a test looks.
  return Object.fromEntries(SEALED_VALUES.map(({ kind }) => [kind, 0])) as ValueCounts;
}
