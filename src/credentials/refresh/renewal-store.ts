import type { CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { LearnedOfEndpoint } from '../credential.ts';
import { keyValues, OF_KEY } from '../credential-key.ts';
import type { Lease } from './lease-store.ts';

export interface RenewedTokens {
  grantJwe: string;
  accessTokenJwe: string | null;
  renewAfterSeconds: number | undefined;
  /** Seconds until the access token expires; absent if its lifetime is unknown, or ended before it was stored. */
  expiresInSeconds?: number | undefined;
  scopes: string | undefined;
  /** Keyed hash of the refresh token that is current from now on. */
  fingerprint: string | null;
  /** Keyed hash of the refresh token that was sent, if it was rotated. */
  spentFingerprint: string | null;
  /** The form of the request that succeeded; absent: what the row says stays. */
  learned?: LearnedOfEndpoint;
  /** A deposit has stored an access token meanwhile: it stays, and so do its scopes. */
  keepsAccessToken?: boolean;
}

export interface StoredRenewal {
  versions: CredentialVersions;
  /** The connection was `reauth-required` until now, so the waiting steps are woken as after a deposit. */
  recovered: boolean;
}

/** How many fingerprints of spent refresh tokens a row keeps: those of the latest. */
export const MAX_SPENT_FINGERPRINTS = 50;

/**
 * Stores the answer to an intent, even if another process holds the lease by now: the answer is the only copy of the
 * new tokens. Undefined: a newer deposit, disconnect or renewal has won. Before the tokens are dropped,
 * `readAmendedGrant` must say that they are of no use.
 */
export async function storeRenewal(
  db: Db,
  lease: Lease,
  intent: number,
  tokens: RenewedTokens,
): Promise<StoredRenewal | undefined> {
  const { rows } = await db.query<{ credential_version: string; token_version: string }>(
    // A token's time runs on while the statement waits for its row, so the clock is read before.
    `WITH sent AS MATERIALIZED (SELECT clock_timestamp() AS at)
     UPDATE mcp_credential SET
       grant_jwe = $6, access_token_jwe = CASE WHEN $15 THEN access_token_jwe ELSE $7 END,
       renew_after = CASE WHEN $15 THEN renew_after
         ELSE sent.at + make_interval(secs => $8) END,
       expires_at = CASE WHEN $15 THEN expires_at
         ELSE sent.at + make_interval(secs => $16) END,
       scopes = CASE WHEN $15 THEN scopes ELSE coalesce($9, scopes) END, refresh_fingerprint = $10,
       spent_fingerprints = CASE WHEN $11::text IS NULL THEN spent_fingerprints
         ELSE (array_prepend($11::text, spent_fingerprints))[1:${MAX_SPENT_FINGERPRINTS}] END,
       token_version = token_version + 1, stored_seq = $5, status = 'connected', reason = NULL,
       credential_version = credential_version + (status = 'reauth-required')::int,
       lease_id = CASE WHEN lease_id = $12 THEN NULL ELSE lease_id END,
       refused_times = 0, refresh_not_before = NULL,
       omitted_parameters = coalesce($13::text[], omitted_parameters),
       learned_auth_method = coalesce($14::text, learned_auth_method),
       grant_used_at = clock_timestamp(), updated_at = now()
     FROM sent
     WHERE ${OF_KEY} AND credential_version = $4 AND stored_seq < $5
     RETURNING credential_version, token_version`,
    [
      ...keyValues(lease.key),
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

/** The grant that a refresh was sent for, after a deposit of the same token has changed other fields of it. */
export interface AmendedGrant {
  versions: CredentialVersions;
  grantJwe: string;
  /** An access token is stored, and it is not due. */
  hasGoodAccessToken: boolean;
}

/**
 * Reads the grant that an intent was recorded for, as it is stored now. Undefined: another grant or a renewal has
 * replaced it, or it is disconnected.
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
      WHERE ${OF_KEY} AND status <> 'disconnected' AND grant_version <= $4 AND stored_seq < $5`,
    [...keyValues(lease.key), lease.seen.credentialVersion, intent],
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
