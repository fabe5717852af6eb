import type { CredentialKey } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { Db } from '../../db/pool.ts';
import { type RegisteredServer, type ServerRow, serverFromRow } from '../../servers/registered-server.ts';
import { keyValues, OF_KEY } from '../credential-key.ts';
import { MAX_SPENT_FINGERPRINTS } from '../refresh/renewal-store.ts';
import { readVersionFloor } from '../retirement/tombstone-store.ts';
import { expiresInSeconds, lifetimeSeconds, renewAfterSeconds } from '../token-lifetime.ts';
import type { Amendment, GrantDeposit, Identity } from './deposited-grant.ts';
import type { SealedDeposit } from './seal-deposit.ts';

/** Locks with `FOR SHARE`, so that the registration can't change between the checks of a deposit and its commit. */
export async function lockServer(db: Db, id: string): Promise<RegisteredServer | undefined> {
  const { rows } = await db.query<ServerRow>('SELECT * FROM mcp_server WHERE id = $1 FOR SHARE', [id]);
  return rows[0] && serverFromRow(rows[0]);
}

/** The stored credential that a deposit finds, as `pg` returns it. */
export interface CurrentCredential extends Identity {
  status: 'connected' | 'reauth-required' | 'disconnected';
  reason: ConnectionReason | null;
  credential_version: string;
  server_revision: string;
  refresh_fingerprint: string | null;
  spent_fingerprints: string[];
  grant_jwe: string | null;
  access_token_jwe: string | null;
  client_secret_expires_at: Date | null;
  is_refreshing: boolean;
  deposited_access_fingerprint: string | null;
  deposited_expires_in: number | null;
}

export async function lockCredential(db: Db, key: CredentialKey): Promise<CurrentCredential | undefined> {
  const { rows } = await db.query<CurrentCredential>(
    `SELECT status, reason, credential_version, server_revision, refresh_fingerprint, spent_fingerprints,
            grant_jwe, access_token_jwe, client_secret_expires_at, grant_seq > stored_seq AS is_refreshing,
            deposited_access_fingerprint, deposited_expires_in, label, subject
       FROM mcp_credential WHERE ${OF_KEY} FOR UPDATE`,
    keyValues(key),
  );
  return rows[0];
}

/** Returns whose account a live connection is. Undefined: there is no connection. */
export async function findIdentity(db: Db, key: CredentialKey): Promise<Identity | undefined> {
  const { rows } = await db.query<Identity>(
    `SELECT label, subject FROM mcp_credential WHERE ${OF_KEY} AND status <> 'disconnected'`,
    keyValues(key),
  );
  return rows[0];
}

/**
 * Stores the grant of another refresh token in place of the stored one, if there is one. Returns the new version.
 * Undefined: another first deposit was faster.
 */
export async function replaceCredential(
  db: Db,
  key: CredentialKey,
  { server, deposit, sealed, isKnown }: ReplacedCredential,
): Promise<number | undefined> {
  const floor = isKnown ? { credentialVersion: 0, tokenVersion: 0 } : await readVersionFloor(db);
  const { rows } = await db.query<{ credential_version: string }>(
    `INSERT INTO mcp_credential AS c (user_id, mcp_server_id, account, server_revision, status, credential_version,
       grant_version, token_version, grant_jwe, access_token_jwe, renew_after, scopes,
       client_secret_expires_at, refresh_fingerprint, grant_used_at,
       deposited_access_fingerprint, deposited_expires_in, expires_at, label, subject)
     VALUES ($1, $2, $3, $4, 'connected', $13::bigint + 1, $13::bigint + 1, $14::bigint + 1, $5, $6,
       clock_timestamp() + make_interval(secs => $7), $8, $9, $10, clock_timestamp(), $15, $16,
       clock_timestamp() + make_interval(secs => $17), $18, $19)
     ON CONFLICT (user_id, mcp_server_id, account) DO UPDATE SET
       server_revision = excluded.server_revision, status = 'connected', reason = NULL,
       credential_version = c.credential_version + 1, grant_version = c.credential_version + 1,
       token_version = c.token_version + 1,
       grant_jwe = excluded.grant_jwe, access_token_jwe = excluded.access_token_jwe,
       renew_after = excluded.renew_after, expires_at = excluded.expires_at, scopes = excluded.scopes,
       deposited_access_fingerprint = excluded.deposited_access_fingerprint,
       deposited_expires_in = excluded.deposited_expires_in,
       client_secret_expires_at = excluded.client_secret_expires_at,
       refresh_fingerprint = excluded.refresh_fingerprint, revocation_jwe = NULL,
       label = excluded.label, subject = excluded.subject,
       -- A refresh is or was under way with the token that is replaced: it must not come back.
       spent_fingerprints = CASE
         WHEN c.grant_seq > c.stored_seq AND NOT c.refresh_fingerprint = ANY ($11::text[])
         THEN (array_prepend(c.refresh_fingerprint, c.spent_fingerprints))[1:${MAX_SPENT_FINGERPRINTS}]
         ELSE c.spent_fingerprints END,
       lease_id = NULL, lease_until = NULL, stored_seq = c.grant_seq, forgotten_at = NULL,
       refused_times = 0, refresh_not_before = NULL, omitted_parameters = '{}', learned_auth_method = NULL,
       grant_used_at = excluded.grant_used_at, updated_at = now()
     WHERE $12
     RETURNING credential_version`,
    [
      ...keyValues(key),
      server.revision,
      sealed.grantJwe,
      sealed.accessTokenJwe,
      renewAfterOf(deposit),
      deposit.scopes ?? null,
      clientSecretExpiryOf(deposit),
      sealed.fingerprint,
      sealed.known?.all ?? [],
      isKnown,
      floor.credentialVersion,
      floor.tokenVersion,
      sealed.accessFingerprint,
      deposit.expiresIn ?? null,
      expiresInOf(deposit),
      deposit.label ?? null,
      deposit.subject ?? null,
    ],
  );
  return rows[0] && Number(rows[0].credential_version);
}

export interface ReplacedCredential {
  server: RegisteredServer;
  deposit: GrantDeposit;
  sealed: SealedDeposit;
  /** A row exists. */
  isKnown: boolean;
}

/**
 * Changes other fields of the stored grant. Lease, intent and fingerprints stay as they are: a refresh that is under
 * way continues, no process sends its token a second time, and its answer is stored with the changed fields.
 */
export async function amendCredential(
  db: Db,
  key: CredentialKey,
  { server, deposit, amendment, grantJwe, sealed }: AmendedCredential,
): Promise<number> {
  const { accessToken, scopes, isNewToken, identity } = amendment;
  const { rows } = await db.query<{ credential_version: string }>(
    `UPDATE mcp_credential SET
       server_revision = $4, status = 'connected', reason = NULL,
       credential_version = credential_version + 1, token_version = token_version + $5::int,
       grant_jwe = $6, client_secret_expires_at = $7,
       access_token_jwe = CASE WHEN $8 THEN access_token_jwe ELSE $9 END,
       renew_after = CASE WHEN $8 THEN renew_after
         ELSE clock_timestamp() + make_interval(secs => $10) END,
       expires_at = CASE WHEN $8 THEN expires_at
         ELSE clock_timestamp() + make_interval(secs => $16) END,
       scopes = CASE WHEN $11 THEN $12 ELSE scopes END,
       deposited_access_fingerprint = CASE WHEN $13 THEN $14 ELSE deposited_access_fingerprint END,
       deposited_expires_in = CASE WHEN $13 THEN $15 ELSE deposited_expires_in END,
       label = $17, subject = $18,
       refused_times = 0, refresh_not_before = NULL, omitted_parameters = '{}', learned_auth_method = NULL,
       updated_at = now()
     WHERE ${OF_KEY}
     RETURNING credential_version`,
    [
      ...keyValues(key),
      server.revision,
      isNewToken ? 1 : 0,
      grantJwe,
      clientSecretExpiryOf(deposit),
      accessToken === 'kept',
      accessToken === 'replaced' ? sealed.accessTokenJwe : null,
      accessToken === 'replaced' ? renewAfterOf(deposit) : null,
      scopes !== undefined,
      scopes?.granted ?? null,
      accessToken === 'replaced',
      sealed.accessFingerprint,
      deposit.expiresIn ?? null,
      accessToken === 'replaced' ? expiresInOf(deposit) : null,
      identity.label,
      identity.subject,
    ],
  );
  return Number(rows[0]?.credential_version);
}

export interface AmendedCredential {
  server: RegisteredServer;
  deposit: GrantDeposit;
  amendment: Amendment;
  grantJwe: string;
  /** The deposit's access token and its fingerprint. */
  sealed: Pick<SealedDeposit, 'accessTokenJwe' | 'accessFingerprint'>;
}

// Without a refresh token there is nothing to renew in time, so the access token is used until it expires.
function renewAfterOf({ expiresIn, refreshToken }: GrantDeposit): number | null {
  const lifetime = lifetimeSeconds(expiresIn);
  return (refreshToken === undefined ? lifetime : renewAfterSeconds(lifetime)) ?? null;
}

function expiresInOf({ expiresIn }: GrantDeposit): number | null {
  return expiresInSeconds(lifetimeSeconds(expiresIn)) ?? null;
}

function clientSecretExpiryOf({ clientSecretExpiresAt }: GrantDeposit): Date | null {
  return clientSecretExpiresAt === undefined ? null : new Date(clientSecretExpiresAt);
}
