import { appendAuditEvent } from '../audit/audit-log.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import { type Db, inTransaction, type Pool } from '../db/pool.ts';
import type { Deposit } from '../schemas/deposit.ts';
import { type RegisteredServer, type ServerRow, serverFromRow } from '../servers/registered-server.ts';
import { type KeyRing, kidOfFingerprint } from '../vault/key-ring.ts';
import type { Vault } from '../vault/vault.ts';
import type { Grant } from './credential.ts';
import { type KnownFingerprints, knownFingerprints } from './fingerprint-key-store.ts';
import { SPENT_FINGERPRINTS_KEPT } from './lease-store.ts';
import { lifetimeSeconds, renewAfterSeconds } from './token-lifetime.ts';
import { readVersionFloor } from './tombstone-store.ts';
import { countDueWaiters } from './waiter-store.ts';

export type DepositOutcome =
  | { kind: 'stored'; version: number; resuming: number }
  | { kind: 'unknown-server' }
  /**
   * The token can't be told from one that is spent: what it would be known by is under a key that is not
   * configured. Nothing was stored.
   */
  | { kind: 'key-missing'; kid: string }
  | { kind: 'refused'; field: string; message: string };

export interface DepositDependencies {
  pool: Pool;
  vault: Vault;
  keyRing: KeyRing;
  /** Why a user may not name this address, or undefined. */
  refuseAddress: (url: string) => string | undefined;
  /** Starts `resumeSteps`; must not throw: what it fails to start, the reconcile schedule finds. */
  startResumption: (key: CredentialKey, version: number) => Promise<void>;
  /** Removes the waiters of the user's steps that have ended without removing them. Default: they are counted. */
  forgetEndedWaiters?: (userId: string) => Promise<void>;
}

/**
 * Stores a user's grant and wakes the steps that wait for it. Depositing the current refresh token again
 * changes nothing, and neither does a spent one: sending it would make the authorization server revoke the
 * whole grant. A newer deposit wins over a renewal in flight; superseded tokens are dropped, not revoked,
 * because the same consent may share the grant.
 */
export async function depositCredential(
  deps: DepositDependencies,
  userId: string,
  deposit: Deposit,
): Promise<DepositOutcome> {
  const key = { userId, mcpServerId: deposit.mcpServerId };
  const sealed = await sealDeposit(deps, key, deposit);
  const outcome = await inTransaction(deps.pool, (db) => storeDeposit(deps, db, key, deposit, sealed));
  if (outcome.kind !== 'stored') return outcome;
  // Counted after the commit: a step that registers from here on sees the new version by itself.
  const resuming = await countResuming(deps, key, outcome.version);
  if (resuming > 0) await deps.startResumption(key, outcome.version);
  return { ...outcome, resuming };
}

async function countResuming(
  { pool, forgetEndedWaiters }: DepositDependencies,
  key: CredentialKey,
  version: number,
): Promise<number> {
  if ((await countDueWaiters(pool, key, version)) === 0) return 0;
  await forgetEndedWaiters?.(key.userId);
  return countDueWaiters(pool, key, version);
}

interface SealedDeposit {
  grantJwe: string;
  accessTokenJwe: string | null;
  fingerprint: string;
  known: KnownFingerprints;
}

async function sealDeposit(
  { pool, vault, keyRing }: DepositDependencies,
  key: CredentialKey,
  deposit: Deposit,
): Promise<SealedDeposit> {
  const { refreshToken, accessToken } = deposit;
  return {
    grantJwe: await vault.seal('grant', key, grantOf(deposit)),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    fingerprint: keyRing.fingerprint(refreshToken, key),
    known: await knownFingerprints({ db: pool, vault, keyRing }, key, refreshToken),
  };
}

function grantOf(deposit: Deposit): Grant {
  const { mcpServerId: _, accessToken: __, expiresIn: ___, clientSecretExpiresAt: ____, ...grant } = deposit;
  // The cast drops `| undefined` from the optional fields: JSON leaves them out.
  return grant as Grant;
}

async function storeDeposit(
  deps: DepositDependencies,
  db: Db,
  key: CredentialKey,
  deposit: Deposit,
  sealed: SealedDeposit,
): Promise<DepositOutcome> {
  const server = await lockServer(db, key.mcpServerId);
  if (server === undefined) return { kind: 'unknown-server' };
  const refusal = refuseDeposit(deps, server, deposit);
  if (refusal) return { kind: 'refused', ...refusal };
  const current = await lockCredential(db, key);
  if (current && changesNothing(current, server, sealed)) {
    return { kind: 'stored', version: Number(current.credential_version), resuming: 0 };
  }
  const kid = current && unsettledKid(current, sealed);
  if (kid !== undefined) return { kind: 'key-missing', kid };
  const version = await replaceCredential(db, key, server, deposit, sealed, current !== undefined);
  // Overtaken by another first deposit, perhaps of this very token: judged anew, under the row's lock.
  if (version === undefined) return storeDeposit(deps, db, key, deposit, sealed);
  await appendAuditEvent(db, {
    action: 'connected',
    actorUserId: key.userId,
    ...key,
    details: { version },
  });
  return { kind: 'stored', version, resuming: 0 };
}

// Shared, so that the registration can't change between this check and the commit.
async function lockServer(db: Db, id: string): Promise<RegisteredServer | undefined> {
  const { rows } = await db.query<ServerRow>('SELECT * FROM mcp_server WHERE id = $1 FOR SHARE', [id]);
  return rows[0] && serverFromRow(rows[0]);
}

function refuseDeposit(deps: DepositDependencies, server: RegisteredServer, deposit: Deposit) {
  if (server.auth.type !== 'oauth2') {
    return { field: 'mcpServerId', message: 'this server takes no OAuth credentials' };
  }
  const known = server.auth.authorizationServer;
  if (known !== undefined) {
    return new URL(known).origin === new URL(deposit.tokenEndpoint).origin
      ? undefined
      : { field: 'tokenEndpoint', message: "must be at the server's own authorization server" };
  }
  for (const field of ['tokenEndpoint', 'issuer'] as const) {
    const url = deposit[field];
    const message = url === undefined ? undefined : deps.refuseAddress(url);
    if (message !== undefined) return { field, message };
  }
  return undefined;
}

interface CurrentCredential {
  status: 'connected' | 'reauth-required' | 'disconnected';
  reason: ConnectionReason | null;
  credential_version: string;
  server_revision: string;
  refresh_fingerprint: string | null;
  spent_fingerprints: string[];
}

async function lockCredential(db: Db, key: CredentialKey): Promise<CurrentCredential | undefined> {
  const { rows } = await db.query<CurrentCredential>(
    `SELECT status, reason, credential_version, server_revision, refresh_fingerprint, spent_fingerprints
       FROM mcp_credential WHERE user_id = $1 AND mcp_server_id = $2 FOR UPDATE`,
    [key.userId, key.mcpServerId],
  );
  return rows[0];
}

function changesNothing(
  current: CurrentCredential,
  server: RegisteredServer,
  sealed: SealedDeposit,
): boolean {
  const isOneOf = (fingerprints: string[]) =>
    fingerprints.some((fingerprint) => sealed.known.all.includes(fingerprint));
  if (isOneOf(current.spent_fingerprints)) return true;
  if (!isOneOf([current.refresh_fingerprint ?? ''])) return false;
  // The current token again. Where the grant itself was refused, it is as good as spent; for every other
  // reason (an expired client secret, a lost key, a server that has changed) the same token with the rest
  // mended is a real deposit.
  const isInUse = current.status === 'connected' && Number(current.server_revision) === server.revision;
  return isInUse || isRefusedGrant(current);
}

// Taken for a new one, a spent token would be sent, and the authorization server would revoke the whole grant.
function unsettledKid(current: CurrentCredential, { known }: SealedDeposit): string | undefined {
  const fingerprints = [current.refresh_fingerprint ?? [], current.spent_fingerprints].flat();
  return fingerprints.map(kidOfFingerprint).find((kid) => !known.settles(kid));
}

function isRefusedGrant(current: CurrentCredential): boolean {
  return (
    current.status === 'reauth-required' &&
    (current.reason === 'invalid-grant' || current.reason === 'refresh-outcome-lost')
  );
}

async function replaceCredential(
  db: Db,
  key: CredentialKey,
  server: RegisteredServer,
  deposit: Deposit,
  sealed: SealedDeposit,
  isKnown: boolean,
): Promise<number | undefined> {
  const floor = isKnown ? { credentialVersion: 0, tokenVersion: 0 } : await readVersionFloor(db);
  const { rows } = await db.query<{ credential_version: string }>(
    `INSERT INTO mcp_credential AS c (user_id, mcp_server_id, server_revision, status, credential_version,
       token_version, grant_jwe, access_token_jwe, renew_after, scopes, client_secret_expires_at,
       refresh_fingerprint, grant_used_at)
     VALUES ($1, $2, $3, 'connected', $12::bigint + 1, $13::bigint + 1, $4, $5,
       clock_timestamp() + make_interval(secs => $6), $7, $8, $9, clock_timestamp())
     ON CONFLICT (user_id, mcp_server_id) DO UPDATE SET
       server_revision = excluded.server_revision, status = 'connected', reason = NULL,
       credential_version = c.credential_version + 1, token_version = c.token_version + 1,
       grant_jwe = excluded.grant_jwe, access_token_jwe = excluded.access_token_jwe,
       renew_after = excluded.renew_after, scopes = excluded.scopes,
       client_secret_expires_at = excluded.client_secret_expires_at,
       refresh_fingerprint = excluded.refresh_fingerprint, revocation_jwe = NULL,
       -- A refresh is or was under way with the token that is replaced: it must not come back.
       spent_fingerprints = CASE
         WHEN c.grant_seq > c.stored_seq AND NOT c.refresh_fingerprint = ANY ($10::text[])
         THEN (array_prepend(c.refresh_fingerprint, c.spent_fingerprints))[1:${SPENT_FINGERPRINTS_KEPT}]
         ELSE c.spent_fingerprints END,
       lease_id = NULL, lease_until = NULL, stored_seq = c.grant_seq, forgotten_at = NULL,
       grant_used_at = excluded.grant_used_at, updated_at = now()
     WHERE $11
     RETURNING credential_version`,
    [
      key.userId,
      key.mcpServerId,
      server.revision,
      sealed.grantJwe,
      sealed.accessTokenJwe,
      renewAfterSeconds(lifetimeSeconds(deposit.expiresIn)) ?? null,
      deposit.scopes ?? null,
      deposit.clientSecretExpiresAt === undefined ? null : new Date(deposit.clientSecretExpiresAt),
      sealed.fingerprint,
      sealed.known.all,
      isKnown,
      floor.credentialVersion,
      floor.tokenVersion,
    ],
  );
  return rows[0] && Number(rows[0].credential_version);
}
