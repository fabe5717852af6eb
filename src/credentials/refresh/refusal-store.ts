import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { ConnectionReason } from '../../contracts/step.ts';
import type { Db } from '../../db/pool.ts';
import { keyValues, OF_KEY } from '../credential-key.ts';
import { fence, type Lease } from './lease-store.ts';

/**
 * Counts a refusal in unknown words. After the n-th one in a row, no process can take the lease for the n-th of
 * `waitSeconds`. Returns n, or undefined if the credential has changed meanwhile.
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
              + make_interval(secs => coalesce(($7::float8[])[refused_times + 1], 0))
      WHERE ${OF_KEY} AND lease_id = $4 AND credential_version = $5 AND token_version = $6
      RETURNING refused_times`,
    [...fence(lease), waitSeconds],
  );
  return rows[0]?.refused_times;
}

/** Marks the connection `reauth-required` and ends the lease. False: the credential has changed meanwhile. */
export async function markReauthRequired(db: Db, lease: Lease, reason: ConnectionReason): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential
        SET status = 'reauth-required', reason = $7, lease_id = NULL, lease_until = NULL, updated_at = now()
      WHERE ${OF_KEY} AND lease_id = $4 AND credential_version = $5 AND token_version = $6`,
    [...fence(lease), reason],
  );
  return rowCount === 1;
}

/**
 * Marks the connection `reauth-required` because the MCP server refused an access token that had just been renewed.
 * False: the token is not the stored one any more, or it is due by now (a frozen process, a long queue).
 * Such a refusal says nothing about the grant, so the token is renewed instead.
 */
export async function markTokenRejected(
  db: Db,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET status = 'reauth-required', reason = 'token-rejected', updated_at = now()
      WHERE ${OF_KEY} AND status = 'connected' AND credential_version = $4 AND token_version = $5
        AND (renew_after IS NULL OR renew_after > clock_timestamp())`,
    [...keyValues(key), seen.credentialVersion, seen.tokenVersion],
  );
  return rowCount === 1;
}
