import { randomBytes } from 'node:crypto';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { storeResult } from '../../../src/results/result-store.ts';
import { createKeyRing, type KeyRing, type RingKey } from '../../../src/vault/key-ring.ts';
import {
  type RotationOptions,
  type RotationOutcome,
  rotateKeys,
} from '../../../src/vault/rotation/rotate-keys.ts';
import { createVault, type Vault } from '../../../src/vault/vault.ts';
import type { CredentialFixture } from '../../credentials/credential-fixture.ts';

/** The key ring and vault of one process. */
export interface Keys {
  keyRing: KeyRing;
  vault: Vault;
}

export function newKey(id: string): RingKey {
  return { id, bytes: randomBytes(32) };
}

export function keysOf(...keys: RingKey[]): Keys {
  const keyRing = createKeyRing(keys);
  return { keyRing, vault: createVault(keyRing) };
}

/** Runs `latchkey keys rotate` with those keys. */
export function rotate(
  { pool }: Pick<CredentialFixture, 'pool'>,
  keys: Keys,
  options: Partial<RotationOptions> = {},
): Promise<RotationOutcome> {
  return rotateKeys(
    { db: pool, ...keys },
    {
      limits: { rows: 3, bytes: 100_000 },
      giveUp: new Set(),
      signal: new AbortController().signal,
      onProgress: () => {},
      ...options,
    },
  );
}

/** Counts the values under each key. */
export function totals({ status }: Pick<RotationOutcome, 'status'>): Record<string, number> {
  return Object.fromEntries(status.keys.map(({ kid, total }) => [kid, total]));
}

/** Stores a large tool result for a step. */
export async function keepResult(
  { pool }: CredentialFixture,
  { vault }: Keys,
  key: CredentialKey,
  text: string,
) {
  const json = JSON.stringify({ content: [{ type: 'text', text }] });
  return storeResult({ db: pool, vault }, { ...key, workflowId: 'step/ada/1' }, Buffer.from(json));
}
