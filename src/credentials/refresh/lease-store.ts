import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { Db } from '../../db/pool.ts';
import type { LearnedOfEndpoint } from '../credential.ts';

/** The right to refresh one credential, as long as its holder keeps it. */
export interface Lease {
  key: CredentialKey;
  id: string;
  /** What the holder saw when it took the lease: everything it writes is fenced by it. */
  seen: CredentialVersions;
}

export const LEASE_SECONDS = 15;
/** A lease must be good for at least so long when a refresh is sent. */
export const SEND_WITHIN_SECONDS = 5;
/** After a restart of Postgres live holders get this long to write back before anybody takes over. */
const TAKEOVER_PAUSE_SECONDS = 30;

const OF_KEY = 'user_id = $1 AND mcp_server_id = $2';

/**
 * Takes the lease if the token is still the one that was seen to fail, nobody else holds it, and the endpoint may be
 * asked: not right after it has refused. `unfinished`:
 * an earlier holder was about to send, or sent, a refresh whose answer is not stored.
 */
export async function takeLease(db: Db, lease: Lease): Promise<{ unfinished: boolean } | undefined> {
  const { rows } = await db.query<{ unfinished: boolean }>(
    `UPDATE mcp_credential SET lease_id = $3, lease_until = clock_timestamp() + make_interval(secs => $6)
      WHERE ${OF_KEY} AND status = 'connected'
        AND credential_version = $4 AND token_version = $5
        AND coalesce(refresh_not_before <= clock_timestamp(), true)
        AND (lease_id IS NULL OR (
          lease_until <= clock_timestamp()
          AND pg_postmaster_start_time() <= clock_timestamp() - make_interval(secs => $7)))
      RETURNING grant_seq > stored_seq AS unfinished`,
    [...fence(lease), LEASE_SECONDS, TAKEOVER_PAUSE_SECONDS],
  );
  return rows[0];
}

/** False: somebody else holds the lease now, or a deposit or disconnect ended it. */
export async function extendLease(db: Db, lease: Lease): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET lease_until = clock_timestamp() + make_interval(secs => $4)
      WHERE ${OF_KEY} AND lease_id = $3`,
    [lease.key.userId, lease.key.mcpServerId, lease.id, LEASE_SECONDS],
  );
  return rowCount === 1;
}

export async function releaseLease(db: Db, lease: Lease): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET lease_id = NULL, lease_until = NULL WHERE ${OF_KEY} AND lease_id = $3`,
    [lease.key.userId, lease.key.mcpServerId, lease.id],
  );
}

/**
 * Records that a refresh is about to be sent; answers its number, or undefined when it must not be: the lease
 * is nearly over, or the credential is not what it was when the lease was taken.
 */
export async function recordIntent(db: Db, lease: Lease): Promise<number | undefined> {
  const { rows } = await db.query<{ grant_seq: string }>(
    `UPDATE mcp_credential SET grant_seq = grant_seq + 1
      WHERE ${OF_KEY} AND lease_id = $3 AND status = 'connected'
        AND credential_version = $4 AND token_version = $5
        AND lease_until > clock_timestamp() + make_interval(secs => $6)
      RETURNING grant_seq`,
    [...fence(lease), SEND_WITHIN_SECONDS],
  );
  return rows[0] && Number(rows[0].grant_seq);
}

/** Takes an intent back: nothing was sent, or the server answered that it did nothing. */
export async function clearIntent(db: Db, lease: Lease, intent: number): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET grant_seq = grant_seq - 1
      WHERE ${OF_KEY} AND grant_version <= $3 AND grant_seq = $4 AND stored_seq < $4`,
    [lease.key.userId, lease.key.mcpServerId, lease.seen.credentialVersion, intent],
  );
}

export interface RenewedTokens {
  grantJwe: string;
  accessTokenJwe: string | null;
  renewAfterSeconds: number | undefined;
  /** Until the access token expires; absent where that is not known, or was before it could be stored. */
  expiresInSeconds?: number | undefined;
  scopes: string | undefined;
  /** Keyed hash of the refresh token that is current from now on, and of the spent one if it was rotated. */
  fingerprint: string | null;
  spentFingerprint: string | null;
  /** How the endpoint was asked with success; absent: as before. */
  learned?: LearnedOfEndpoint;
  /** A deposit has said meanwhile what there is to call with: access token and scopes stay as they are. */
  keepsAccessToken?: boolean;
}

export interface StoredRenewal {
  versions: CredentialVersions;
  /** The credential waited for its user until now: as good as a deposit. */
  recovered: boolean;
}

/** Of the latest spent refresh tokens of a connection. */
export const SPENT_FINGERPRINTS_KEPT = 50;

/**
 * Stores the answer to intent `intent`, whoever holds the lease by now: it is the only copy of the new
 * tokens. Undefined: a newer deposit, disconnect or renewal has won. See `readAmendedGrant` before the tokens are
 * taken to be of no use.
 */
export async function storeRenewal(
  db: Db,
  lease: Lease,
  intent: number,
  tokens: RenewedTokens,
): Promise<StoredRenewal | undefined> {
  const { rows } = await db.query<{ credential_version: string; token_version: string }>(
    `UPDATE mcp_credential SET
       grant_jwe = $5, access_token_jwe = CASE WHEN $14 THEN access_token_jwe ELSE $6 END,
       renew_after = CASE WHEN $14 THEN renew_after
         ELSE clock_timestamp() + make_interval(secs => $7) END,
       expires_at = CASE WHEN $14 THEN expires_at
         ELSE clock_timestamp() + make_interval(secs => $15) END,
       scopes = CASE WHEN $14 THEN scopes ELSE coalesce($8, scopes) END, refresh_fingerprint = $9,
       spent_fingerprints = CASE WHEN $10::text IS NULL THEN spent_fingerprints
         ELSE (array_prepend($10::text, spent_fingerprints))[1:${SPENT_FINGERPRINTS_KEPT}] END,
       token_version = token_version + 1, stored_seq = $4, status = 'connected', reason = NULL,
       credential_version = credential_version + (status = 'reauth-required')::int,
       lease_id = CASE WHEN lease_id = $11 THEN NULL ELSE lease_id END,
       refused_times = 0, refresh_not_before = NULL,
       omitted_parameters = coalesce($12::text[], omitted_parameters),
       learned_auth_method = coalesce($13::text, learned_auth_method),
       grant_used_at = clock_timestamp(), updated_at = now()
     WHERE ${OF_KEY} AND credential_version = $3 AND stored_seq < $4
     RETURNING credential_version, token_version`,
    [
      lease.key.userId,
      lease.key.mcpServerId,
      lease.seen.credentialVersion,
      intent,
      tokens.grantJwe,
      tokens.accessTokenJwe,
      tokens.renewAfterSeconds ?? null,
      tokens.scopes ?? null,
      tokens.fingerprint,
      tokens.spentFingerprint,
      lease.id,
      tokens.learned?.omittedParameters ?? null,
      tokens.learned?.authMethod ?? null,
      tokens.keepsAccessToken ?? false,
      tokens.expiresInSeconds ?? null,
    ],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const versions = {
    credentialVersion: Number(row.credential_version),
    tokenVersion: Number(row.token_version),
  };
  return { versions, recovered: versions.credentialVersion > lease.seen.credentialVersion };
}

/**
 * Counts a refusal in words that nobody knows, and keeps everybody from asking again for `waitSeconds[n]` after the
 * n-th one in a row. Answers how many there were, or undefined where the credential has moved on meanwhile.
 */
export async function countRefusal(
  db: Db,
  lease: Lease,
  waitSeconds: readonly number[],
): Promise<number | undefined> {
  const { rows } = await db.query<{ refused_times: number }>(
    `UPDATE mcp_credential
        SET refused_times = refused_times + 1,
            refresh_not_before = clock_timestamp()
              + make_interval(secs => coalesce(($6::float8[])[refused_times + 1], 0))
      WHERE ${OF_KEY} AND lease_id = $3 AND credential_version = $4 AND token_version = $5
      RETURNING refused_times`,
    [...fence(lease), waitSeconds],
  );
  return rows[0]?.refused_times;
}

/** The grant that a refresh was sent for, after a deposit has changed other fields of it. */
export interface AmendedGrant {
  versions: CredentialVersions;
  grantJwe: string;
  /** There is an access token, and it is not due. */
  hasGoodAccessToken: boolean;
}

/**
 * Reads what has become of the grant that intent `intent` was for. Undefined: another grant or a renewal has taken
 * its place, or it is disconnected.
 */
export async function readAmendedGrant(
  db: Db,
  lease: Lease,
  intent: number,
): Promise<AmendedGrant | undefined> {
  const { rows } = await db.query<AmendedGrantRow>(
    `SELECT credential_version, token_version, grant_jwe,
            access_token_jwe IS NOT NULL AND coalesce(renew_after > clock_timestamp(), true)
              AS has_good_access_token
       FROM mcp_credential
      WHERE ${OF_KEY} AND status <> 'disconnected' AND grant_version <= $3 AND stored_seq < $4`,
    [lease.key.userId, lease.key.mcpServerId, lease.seen.credentialVersion, intent],
  );
  const row = rows[0];
  if (row?.grant_jwe == null) return undefined;
  const versions = {
    credentialVersion: Number(row.credential_version),
    tokenVersion: Number(row.token_version),
  };
  return { versions, grantJwe: row.grant_jwe, hasGoodAccessToken: row.has_good_access_token };
}

interface AmendedGrantRow {
  credential_version: string;
  token_version: string;
  grant_jwe: string | null;
  has_good_access_token: boolean;
}

/** Ends the lease with a verdict that only the user can lift. False: the credential has moved on meanwhile. */
export async function markReauthRequired(db: Db, lease: Lease, reason: ConnectionReason): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential
        SET status = 'reauth-required', reason = $6, lease_id = NULL, lease_until = NULL, updated_at = now()
      WHERE ${OF_KEY} AND lease_id = $3 AND credential_version = $4 AND token_version = $5`,
    [...fence(lease), reason],
  );
  return rowCount === 1;
}

/**
 * The access token of `seen` was refused although it had just been renewed; only while it is still the one. False
 * also where its time was over before it was used (a frozen process, a long queue): then its refusal says
 * nothing of the grant, and it is to be renewed.
 */
export async function markTokenRejected(
  db: Db,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET status = 'reauth-required', reason = 'token-rejected', updated_at = now()
      WHERE ${OF_KEY} AND status = 'connected' AND credential_version = $3 AND token_version = $4
        AND (renew_after IS NULL OR renew_after > clock_timestamp())`,
    [key.userId, key.mcpServerId, seen.credentialVersion, seen.tokenVersion],
  );
  return rowCount === 1;
}

function fence(lease: Lease): [string, string, string, number, number] {
  const { key, id, seen } = lease;
  return [key.userId, key.mcpServerId, id, seen.credentialVersion, seen.tokenVersion];
}
