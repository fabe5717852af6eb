import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { keyValues, OF_KEY } from '../credential-key.ts';

/** The right to refresh one credential. `lease.ts` lists the states and who changes them. */
export interface Lease {
  key: CredentialKey;
  id: string;
  /** The versions for which the lease was taken. They fence everything that the holder writes. */
  seen: CredentialVersions;
}

export const LEASE_SECONDS = 15;
/** The time that a lease must have left when an intent is recorded, and in which the refresh must be sent. */
export const SEND_TIMEOUT_SECONDS = 5;
/** After a restart of Postgres, live holders have this long to write back before a lease can be taken over. */
const TAKEOVER_PAUSE_SECONDS = 30;

/**
 * Takes the lease if the stored token is still the one that was seen, no other process holds the lease, and no recent
 * refusal forbids a refresh for now. `unfinished`: an earlier holder recorded an intent whose answer is not stored.
 */
export async function takeLease(db: Db, lease: Lease): Promise<{ unfinished: boolean } | undefined> {
  const { rows } = await db.query<{ unfinished: boolean }>(
    `UPDATE mcp_credential SET lease_id = $4, lease_until = clock_timestamp() + make_interval(secs => $7)
      WHERE ${OF_KEY} AND status = 'connected'
        AND credential_version = $5 AND token_version = $6
        AND coalesce(refresh_not_before <= clock_timestamp(), true)
        AND (lease_id IS NULL OR (
          lease_until <= clock_timestamp()
          AND pg_postmaster_start_time() <= clock_timestamp() - make_interval(secs => $8)))
      RETURNING grant_seq > stored_seq AS unfinished`,
    [...fence(lease), LEASE_SECONDS, TAKEOVER_PAUSE_SECONDS],
  );
  return rows[0];
}

/** False: another process holds the lease now, or a deposit or a disconnect has ended it. */
export async function extendLease(db: Db, lease: Lease): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_credential SET lease_until = clock_timestamp() + make_interval(secs => $5)
      WHERE ${OF_KEY} AND lease_id = $4`,
    [...keyValues(lease.key), lease.id, LEASE_SECONDS],
  );
  return rowCount === 1;
}

export async function releaseLease(db: Db, lease: Lease): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET lease_id = NULL, lease_until = NULL WHERE ${OF_KEY} AND lease_id = $4`,
    [...keyValues(lease.key), lease.id],
  );
}

/**
 * Records that a refresh is about to be sent, and returns the number of this intent. Undefined: the refresh must not be
 * sent, because the lease is nearly over or the credential has changed since the lease was taken.
 */
export async function recordIntent(db: Db, lease: Lease): Promise<number | undefined> {
  const { rows } = await db.query<{ grant_seq: string }>(
    `UPDATE mcp_credential SET grant_seq = grant_seq + 1
      WHERE ${OF_KEY} AND lease_id = $4 AND status = 'connected'
        AND credential_version = $5 AND token_version = $6
        AND lease_until > clock_timestamp() + make_interval(secs => $7)
      RETURNING grant_seq`,
    [...fence(lease), SEND_TIMEOUT_SECONDS],
  );
  return rows[0] && Number(rows[0].grant_seq);
}

/** Clears an intent: nothing was sent, or the server's answer says that it did nothing. */
export async function clearIntent(db: Db, lease: Lease, intent: number): Promise<void> {
  await db.query(
    `UPDATE mcp_credential SET grant_seq = grant_seq - 1
      WHERE ${OF_KEY} AND grant_version <= $4 AND grant_seq = $5 AND stored_seq < $5`,
    [...keyValues(lease.key), lease.seen.credentialVersion, intent],
  );
}

/** The first six parameters of a statement that only the holder may make: key, lease, versions. */
export function fence(lease: Lease): [string, string, string, string, number, number] {
  const { key, id, seen } = lease;
  return [...keyValues(key), id, seen.credentialVersion, seen.tokenVersion];
}
