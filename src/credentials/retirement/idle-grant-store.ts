import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { type KeyRow, keyFromRow } from '../credential-key.ts';

/** A grant that must be renewed before its authorization server forgets it. */
export interface IdleGrant {
  key: CredentialKey;
  /** The versions at which it was found to be due. */
  seen: CredentialVersions;
}

// A grant may be tried if it was not tried since its last use, or if the last failed try was long enough ago. The pause
// leaves at least twelve tries between the latest time at which a grant becomes due and the limit.
const UNTRIED = 'coalesce(c.renewal_tried_at <= c.grant_used_at, true)';
const TRIED_LONG_AGO = `NOT ${UNTRIED} AND c.renewal_tried_at
  <= clock.time - make_interval(secs => least(s.idle_limit_seconds / 48.0, 6 * 3600))`;

// A grant becomes due between a half and three quarters of the limit after its last use, depending on the user's slot:
// grants that were deposited in one hour are not all renewed in one hour, and a quarter of the limit is left for
// outages. Each slot has a limit of its own, so that the plan reads one short range of the index mcp_credential_idle
// for each. `clock` is read once, because an index can't be searched with a volatile function.
const dueOf = (mayBeTried: string, limit: string) => `
  generate_series(0, 255) AS slot
  CROSS JOIN LATERAL (
    SELECT c.user_id, c.account, c.grant_used_at
      FROM mcp_credential c
     WHERE c.mcp_server_id = s.id AND (hashtext(c.user_id) & 255) = slot AND c.status = 'connected'
       AND c.grant_used_at <= clock.time - make_interval(secs => s.idle_limit_seconds * (0.5 + slot / 1024.0))
       AND c.server_revision = s.revision AND c.grant_jwe IS NOT NULL AND (${mayBeTried})
       -- A grant without a refresh token can't be renewed. It is used until its access token expires.
       AND c.refresh_fingerprint IS NOT NULL
     ORDER BY c.grant_used_at LIMIT ${limit}) AS due`;

/** Lists the servers with grants that are due, in the order of their ids, from the one after `after` on. */
export async function listServersWithIdleGrants(
  db: Db,
  page: { after: string; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS time)
     SELECT s.id FROM mcp_server s CROSS JOIN clock
      WHERE s.idle_limit_seconds IS NOT NULL AND s.id > $1
        AND EXISTS (SELECT FROM ${dueOf(`${UNTRIED} OR ${TRIED_LONG_AGO}`, '1')})
      ORDER BY s.id LIMIT $2`,
    [page.after, page.limit],
  );
  return rows.map((row) => row.id);
}

/**
 * Takes some of a server's due grants, those that were unused for longest first. No other caller gets them until they
 * may be tried again.
 *
 * @param page.again true: the grants with a failed try since their last use; false: only the others
 */
export async function takeIdleGrants(
  db: Db,
  mcpServerId: string,
  page: { again: boolean; limit: number },
): Promise<IdleGrant[]> {
  const { again, limit } = page;
  const mayBeTried = again ? TRIED_LONG_AGO : UNTRIED;
  const { rows } = await db.query<KeyRow & { credential_version: string; token_version: string }>(
    `WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS time),
       first AS MATERIALIZED (
         SELECT due.user_id, due.account, s.id, s.idle_limit_seconds
           FROM mcp_server s CROSS JOIN clock CROSS JOIN ${dueOf(mayBeTried, '$2')}
          WHERE s.id = $1 AND s.idle_limit_seconds IS NOT NULL
          ORDER BY due.grant_used_at LIMIT $2)
     UPDATE mcp_credential c SET renewal_tried_at = clock.time
       FROM first s CROSS JOIN clock
      WHERE c.user_id = s.user_id AND c.mcp_server_id = s.id AND c.account = s.account
        -- Once more under the row's lock: somebody else may have taken it meanwhile.
        AND ${mayBeTried}
     RETURNING c.user_id, c.mcp_server_id, c.account, c.credential_version, c.token_version`,
    [mcpServerId, limit],
  );
  return rows.map((row) => ({
    key: keyFromRow(row),
    seen: { credentialVersion: Number(row.credential_version), tokenVersion: Number(row.token_version) },
  }));
}
