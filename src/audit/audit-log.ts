import { accountOf } from '../contracts/accounts.ts';
import type { Db } from '../db/pool.ts';

export type AuditAction =
  | 'connected'
  | 'disconnected'
  /** Written before a decision is sent to a step. The outcome follows as a separate row. */
  | 'decision-requested'
  | 'approved'
  | 'rejected'
  | 'resolved'
  | 'cancelled'
  /** The decision was refused and changed nothing. */
  | 'decision-refused'
  /** No worker answered in time, so the decision may still apply. The step's timeline shows whether it did. */
  | 'decision-unanswered'
  /** A service that acts for a user is about to start a step for this user. */
  | 'step-requested'
  /** A service that acts for a user makes a link by which this user's browser connects. */
  | 'connect-link-requested'
  /** A service that acts for a user makes a link that signs this user in. */
  | 'sign-in-link-requested'
  /** An admin was shown what tools were called with and answered, or other content of users. */
  | 'content-read'
  | 'server-registered'
  | 'server-removed'
  | 'server-paused'
  | 'server-resumed'
  | 'user-forgotten'
  | 'keys-rotated'
  /** One of the two databases was restored from a backup. */
  | 'repaired';

/** A row of the audit log: what was done, by whom, to what. */
export interface AuditEvent {
  action: AuditAction;
  /** The user id of the caller's token, also where it acts for another user. Null for the operator on the command line. */
  actorUserId: string | null;
  userId?: string;
  mcpServerId?: string;
  /** The connection's account. Absent: `default`, or the event is about no connection. */
  account?: string;
  stepId?: string;
  workflowId?: string;
  /** Small values only. Never a secret, an argument or a result. */
  details?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Appends a row. Call it in the transaction of the audited change, if there is one, so that both commit or neither.
 */
export async function appendAuditEvent(db: Db, event: AuditEvent): Promise<void> {
  await db.query(
    `INSERT INTO mcp_audit_event (actor_user_id, action, user_id, mcp_server_id, account, step_id, workflow_id, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      event.actorUserId,
      event.action,
      event.userId ?? null,
      event.mcpServerId ?? null,
      accountOf(event),
      event.stepId ?? null,
      event.workflowId ?? null,
      event.details ?? {},
    ],
  );
}

const BATCH_SIZE = 10_000;

/** Deletes the oldest rows past the retention, at most 10,000 per call. Returns their number. */
export async function deleteOldAuditEvents(db: Db, retentionDays: number): Promise<number> {
  const { rows } = await db.query<{ expired: string }>('SELECT mcp_audit_event_expire($1, $2) AS expired', [
    retentionDays,
    BATCH_SIZE,
  ]);
  return Number(rows[0]?.expired ?? 0);
}
