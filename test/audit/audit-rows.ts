import type { AuditAction } from '../../src/audit/audit-log.ts';
import type { Db } from '../../src/db/pool.ts';

/** A row of the audit log without its number and moment; what is null is left out. */
export interface AuditRow {
  action: AuditAction;
  actor?: string;
  user?: string;
  server?: string;
  /** Left out: the default one. */
  account?: string;
  step?: string;
  workflow?: string;
  details: Record<string, unknown>;
}

/** What is written of a user, of a server where no user is concerned, or of an action; the oldest first. */
export async function auditRows(
  db: Db,
  about: { user?: string; server?: string; action?: AuditAction },
): Promise<AuditRow[]> {
  const { rows } = await db.query<{ row: AuditRow }>(
    `SELECT json_strip_nulls(json_build_object('action', action, 'actor', actor_user_id, 'user', user_id,
              'server', mcp_server_id, 'account', nullif(account, 'default'), 'step', step_id, 'workflow', workflow_id, 'details', details)) AS row
       FROM mcp_audit_event
      WHERE user_id = $1 OR ($1::text IS NULL AND mcp_server_id = $2) OR action = $3 ORDER BY id`,
    [about.user ?? null, about.server ?? null, about.action ?? null],
  );
  return rows.map(({ row }) => row);
}
