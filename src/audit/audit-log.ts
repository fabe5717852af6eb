import type { Db } from '../db/pool.ts';

export type AuditAction =
  | 'connected'
  | 'disconnected'
  /** Somebody is about to decide about a step; what came of it follows as a row of its own. */
  | 'decision-requested'
  | 'approved'
  | 'rejected'
  | 'resolved'
  | 'cancelled'
  /** Nothing has changed. */
  | 'decision-refused'
  /** Nobody answered: it may still apply. The step's own timeline knows. */
  | 'decision-unanswered'
  | 'server-registered'
  | 'server-removed'
  | 'user-forgotten'
  | 'keys-rotated'
  /** One of the two databases was restored from a backup. */
  | 'repaired';

/** What was done, by whom, to what. */
export interface AuditEvent {
  action: AuditAction;
  /** The user id of the caller's token; null: the operator on the command line. */
  actorUserId: string | null;
  userId?: string;
  mcpServerId?: string;
  stepId?: string;
  workflowId?: string;
  /** Small, and never a secret, an argument or a result. */
  details?: Readonly<Record<string, string | number | boolean>>;
}

/** To be called in the transaction of the fact itself, where there is one: neither is then without the other. */
export async function appendAuditEvent(db: Db, event: AuditEvent): Promise<void> {
  await db.query(
    `INSERT INTO mcp_audit_event (actor_user_id, action, user_id, mcp_server_id, step_id, workflow_id, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      event.actorUserId,
      event.action,
      event.userId ?? null,
      event.mcpServerId ?? null,
      event.stepId ?? null,
      event.workflowId ?? null,
      event.details ?? {},
    ],
  );
}

const AT_MOST = 10_000;

/** Deletes the oldest of what is past the retention, at most 10,000 at a time; answers how many. */
export async function deleteOldAuditEvents(db: Db, retentionDays: number): Promise<number> {
  const { rows } = await db.query<{ expired: string }>('SELECT mcp_audit_event_expire($1, $2) AS expired', [
    retentionDays,
    AT_MOST,
  ]);
  return Number(rows[0]?.expired ?? 0);
}
