import { wasDisconnected } from '../../audit/was-disconnected.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { connectionState } from '../credential.ts';
import { MAX_SPENT_FINGERPRINTS } from '../refresh/renewal-store.ts';
import type { CurrentCredential } from './deposit-store.ts';
import type { DepositCondition } from './deposited-grant.ts';

/** Why a deposit with a condition is not stored. */
export type LeftAlone =
  /** With `onlyIfAbsent`: the account is connected. Nothing was stored. */
  | { kind: 'already-connected' }
  /** With either condition: the account was disconnected, or its user forgotten. Nothing was stored. */
  | { kind: 'disconnected' };

/** Undefined: the deposit's conditions do not keep it from being stored. Call it with the row locked. */
export async function leftAlone(
  db: Db,
  key: CredentialKey,
  { onlyIfAbsent, unlessDisconnected }: DepositCondition,
  { current, server }: { current: CurrentCredential | undefined; server: RegisteredServer },
): Promise<LeftAlone | undefined> {
  if (!onlyIfAbsent && !unlessDisconnected) return undefined;
  const isEnded = current === undefined ? await wasDisconnected(db, key) : current.status === 'disconnected';
  if (isEnded) return { kind: 'disconnected' };
  return onlyIfAbsent && current && isConnected(current, server) ? { kind: 'already-connected' } : undefined;
}

function isConnected(current: CurrentCredential, { revision }: RegisteredServer): boolean {
  const isOfEarlier = Number(current.server_revision) !== revision;
  return connectionState({ ...current, server_changed: isOfEarlier }).status === 'connected';
}

/**
 * Whether an unknown token may be a spent one that was forgotten, because there were too many after it, while the
 * grant is still good. If it replaced the newer token and were sent, the whole grant would be revoked.
 */
export function mayBeSpent({ reason, spent_fingerprints: spent }: CurrentCredential): boolean {
  const isGrantOver = reason === 'invalid-grant' || reason === 'refresh-outcome-lost';
  return !isGrantOver && spent.length >= MAX_SPENT_FINGERPRINTS;
}
