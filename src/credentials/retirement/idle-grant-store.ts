import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';

/** A grant that is to be renewed before its authorization server forgets it, as it was when that was found. */
export interface IdleGrant {
  key: CredentialKey;
  seen: CredentialVersions;
}

// Never tried since it was last used; and tried in vain, but so long ago that it may be tried again: that leaves at
// least twelve tries between the latest time that a grant is due and the limit.
const UNTRIED = 'coalesce(c.renewal_tried_at <= c.grant_used_at, true)';
const TRIED_LONG_AGO = `NOT ${UNTRIED} AND c.renewal_tried_at
  <= clock.time - make_interval(secs => least(s.idle_limit_seconds / 48.0, 6 * 3600))`;

// Due between a half and three quarters of the limit after the last use, by the user's slot: what was deposited in
// one hour is not renewed in one hour, and a quarter is left for outages. One short range of the index
// mcp_credential_idle a slot: the plan must be that, so each has a limit of its own. `clock` is read once, since an
// index can't be searched for a function that moves.
const dueOf = (mayBeTried: string, limit: string) => `
  generate_series(0, 255) AS slot
  CROSS JOIN LATERAL (
    SELECT c.user_id, c.grant_used_at
      FROM mcp_credential c
     WHERE c.mcp_server_id = s.id AND (hashtext(c.user_id) & 255) = slot AND c.status = 'connected'
       AND c.grant_used_at <= clock.time - make_interval(secs => s.idle_limit_seconds * (0.5 + slot / 1024.0))
       AND c.server_revision = s.revision AND c.grant_jwe IS NOT NULL AND (${mayBeTried})
     ORDER BY c.grant_used_at LIMIT ${limit}) AS due`;

/** The servers with grants to renew, by their ids, from the one after `after` on. */
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
 * Some of a server's grants that are due, those unused for longest first; nobody else is given them until they may
 * be tried again. With `again`, those that were tried in vain since they were last used; without, only the others.
 */
export async function takeIdleGrants(
  db: Db,
  mcpServerId: string,
  { again, limit }: { again: boolean; limit: number },
): Promise<IdleGrant[]> {
  const mayBeTried = again ? TRIED_LONG_AGO : UNTRIED;
  const { rows } = await db.query<{ user_id: string; credential_version: string; token_version: string }>(
    `WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS time),
       first AS MATERIALIZED (
         SELECT due.user_id, s.id, s.idle_limit_seconds
           FROM mcp_server s CROSS JOIN clock CROSS JOIN ${dueOf(mayBeTried, '$2')}
          WHERE s.id = $1 AND s.idle_limit_seconds IS NOT NULL
          ORDER BY due.grant_used_at LIMIT $2)
     UPDATE mcp_credential c SET renewal_tried_at = clock.time
       FROM first s CROSS JOIN clock
      WHERE c.user_id = s.user_id AND c.mcp_server_id = s.id
        -- Once more under the row's lock: somebody else may have taken it meanwhile.
        AND ${mayBeTried}
     RETURNING c.user_id, c.credential_version, c.token_version`,
    [mcpServerId, limit],
  );
  return rows.map((row) => ({
    key: { userId: row.user_id, mcpServerId },
    seen: { credentialVersion: Number(row.credential_version), tokenVersion: Number(row.token_version) },
  }));
}
