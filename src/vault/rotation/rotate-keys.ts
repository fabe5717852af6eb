import { appendAuditEvent } from '../../audit/audit-log.ts';
import {
  giveUpFingerprintKeys,
  keepFingerprintKeys,
} from '../../credentials/deposit/fingerprint-key-store.ts';
import type { Db } from '../../db/pool.ts';
import type { KeyRing } from '../key-ring.ts';
import { GIVEN_UP, type Vault } from '../vault.ts';
import { type KeysStatus, readKeysStatus } from './key-status.ts';
import {
  listKids,
  listUnder,
  NO_KID,
  type PageLimits,
  type Replacement,
  replaceValues,
  type StoredValue,
} from './sealed-value-store.ts';
import { SEALED_VALUES, type SealedKind, type SealedValues } from './sealed-values.ts';

export interface RotationDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
}

export interface RotationOptions {
  /** The size of one batch. */
  limits: PageLimits;
  /**
   * Values under these keys that do not open are given up. Their users must connect again, and their servers must be
   * registered again.
   */
  giveUp: ReadonlySet<string>;
  /** Ends the rotation after the current batch. */
  signal: AbortSignal;
  /** Called after every batch and at the end of every pass, with the pass's counts so far. */
  onProgress(pass: Pass, isOver: boolean): void;
}

/** The counts of one pass through the values of one kind under one key. */
export interface Pass {
  kind: SealedKind;
  kid: string;
  resealed: number;
  givenUp: number;
  /** Changed by another process meanwhile. The value is under the first key now, or the next round reads it again. */
  overtaken: number;
  /**
   * The text does not open although its key is configured: the key has other bytes, or the text was tampered with.
   */
  undecryptable: number;
}

type Rotation = RotationDependencies & RotationOptions;

export interface RotationOutcome {
  kind: 'done' | 'interrupted';
  /** The values under each key after the rotation. */
  status: KeysStatus;
  /** The passes of the last round that found undecryptable values. */
  undecryptable: Pick<Pass, 'kind' | 'kid' | 'undecryptable'>[];
}

/** Another round handles values that others wrote under an old key meanwhile. */
const MAX_ROUNDS = 3;

/**
 * Seals all values under the ring's first key, while all processes run. A text is replaced only if it is still the
 * one that was read, so that a write of a refresh, a deposit or an admin wins. Versions and times do not change.
 * After a kill, the next rotation continues, because finished batches are committed.
 */
export async function rotateKeys(
  deps: RotationDependencies,
  options: RotationOptions,
): Promise<RotationOutcome> {
  await keepFingerprintKeys(deps);
  await giveUpFingerprintKeys(deps.db, [...options.giveUp]);
  let passes: Pass[] = [];
  for (let round = 1; round <= MAX_ROUNDS && !options.signal.aborted; round++) {
    passes = await rotateOnce({ ...deps, ...options });
    if (passes.every(({ overtaken }) => overtaken === 0)) break;
  }
  const kind = options.signal.aborted ? 'interrupted' : 'done';
  const details = { outcome: kind, firstKey: deps.keyRing.primaryKid, givenUp: [...options.giveUp].join() };
  await appendAuditEvent(deps.db, { action: 'keys-rotated', actorUserId: null, details });
  return {
    kind,
    status: await readKeysStatus(deps.db, deps.keyRing),
    undecryptable: passes.filter((pass) => pass.undecryptable > 0),
  };
}

async function rotateOnce(rotation: Rotation): Promise<Pass[]> {
  const passes: Pass[] = [];
  for (const values of SEALED_VALUES) {
    const kids = await listKids(rotation.db, values);
    for (const kid of kids.filter((one) => canBeRotated(rotation, one))) {
      if (!rotation.signal.aborted) passes.push(await rotateKey(rotation, values, kid));
    }
  }
  return passes;
}

// Values under a missing key can't be opened. Reading them, perhaps a million, would be useless.
function canBeRotated({ keyRing, giveUp }: Rotation, kid: string): boolean {
  if (kid === keyRing.primaryKid || kid === NO_KID) return false;
  return keyRing.kids.includes(kid) || giveUp.has(kid);
}

async function rotateKey(rotation: Rotation, values: SealedValues, kid: string): Promise<Pass> {
  const { db, limits, signal, onProgress } = rotation;
  const pass: Pass = { kind: values.kind, kid, resealed: 0, givenUp: 0, overtaken: 0, undecryptable: 0 };
  let after: string[] | undefined;
  while (!signal.aborted) {
    const stored = await listUnder(db, values, { kid, after, limits });
    // Pages follow the primary key, so a value that does not open is read only once per pass.
    after = stored.at(-1)?.key;
    if (after === undefined) break;
    await rotateBatch(rotation, values, pass, stored);
    onProgress(pass, false);
  }
  onProgress(pass, true);
  return pass;
}

async function rotateBatch(
  rotation: Rotation,
  values: SealedValues,
  pass: Pass,
  stored: readonly StoredValue[],
): Promise<void> {
  const resealed = await Promise.all(stored.map((value) => reseal(rotation, values, value)));
  const unopened = stored.filter((_, index) => resealed[index] === undefined);
  const done = await replaceAll(
    rotation.db,
    values,
    resealed.filter((one) => one !== undefined),
  );
  pass.resealed += done.replaced;
  pass.overtaken += done.overtaken;
  if (!rotation.giveUp.has(pass.kid)) {
    pass.undecryptable += unopened.length;
    return;
  }
  const givenUp = await replaceAll(rotation.db, values, unopened.map(giveUpValue));
  pass.givenUp += givenUp.replaced;
  pass.overtaken += givenUp.overtaken;
}

async function reseal(
  { vault }: Rotation,
  { purpose, binding }: SealedValues,
  { key, jwe, boundTo }: StoredValue,
): Promise<Replacement | undefined> {
  const opened = await vault.open(purpose, binding(boundTo), jwe);
  if (opened.kind !== 'opened') return undefined;
  return { key, before: jwe, after: await vault.seal(purpose, binding(boundTo), opened.plaintext) };
}

function giveUpValue({ key, jwe }: StoredValue): Replacement {
  return { key, before: jwe, after: GIVEN_UP };
}

async function replaceAll(db: Db, values: SealedValues, replacements: readonly Replacement[]) {
  if (replacements.length === 0) return { replaced: 0, overtaken: 0 };
  const replaced = await replaceValues(db, values, replacements);
  return { replaced, overtaken: replacements.length - replaced };
}
