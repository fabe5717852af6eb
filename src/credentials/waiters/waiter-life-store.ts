/**
 * Which waiters belong to workflows that still wait. A workflow that was terminated could not remove its own, and that of a
 * forgotten user must not.
 */
import type { Db } from '../../db/pool.ts';
import { changeAllWaiters } from './change-all-waiters.ts';

/** Lists one page of the waiters without a sign of life for `days`, the longest first. */
export async function listSilentWaiters(db: Db, days: number, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    `SELECT workflow_id FROM mcp_waiter
      WHERE alive_at < now() - make_interval(days => $1) ORDER BY alive_at LIMIT $2`,
    [days, limit],
  );
  return rows.map((row) => row.workflow_id);
}

export async function noteAlive(db: Db, workflowIds: string[]): Promise<void> {
  await changeAllWaiters(
    db,
    (table) => `UPDATE ${table} SET alive_at = now() WHERE workflow_id = ANY ($1::text[])`,
    [workflowIds],
  );
}

/** Deletes the waiters of steps that have ended, unless another step has registered under the same id meanwhile. */
export async function removeSilent(db: Db, workflowIds: string[], days: number): Promise<number> {
  return changeAllWaiters(
    db,
    (table) => `DELETE FROM ${table}
      WHERE workflow_id = ANY ($1::text[]) AND alive_at < now() - make_interval(days => $2)`,
    [workflowIds, days],
  );
}

export interface WaiterAsRead {
  workflowId: string;
  /** Its last sign of life when it was read, as the database writes it: to the microsecond. */
  aliveAt: string;
}

/** Lists one page of a user's waiters, the longest without a sign of life first. */
export async function listWaitersOf(
  db: Db,
  userId: string,
  page: { after: WaiterAsRead | undefined; limit: number },
): Promise<WaiterAsRead[]> {
  const { aliveAt, workflowId } = page.after ?? { aliveAt: '-infinity', workflowId: '' };
  const { rows } = await db.query<{ workflow_id: string; alive_at: string }>(
    `SELECT w.workflow_id, w.alive_at::text FROM mcp_waiter w
      WHERE w.user_id = $1 AND (w.alive_at, w.workflow_id) > ($2::timestamptz, $3)
      ORDER BY w.alive_at, w.workflow_id LIMIT $4`,
    [userId, aliveAt, workflowId, page.limit],
  );
  return rows.map((row) => ({ workflowId: row.workflow_id, aliveAt: row.alive_at }));
}

/** Deletes the waiters of steps that have ended, unless another step has registered under the same id meanwhile. */
export async function removeEnded(db: Db, ended: WaiterAsRead[]): Promise<void> {
  await changeAllWaiters(
    db,
    (table) => `DELETE FROM ${table} w
      USING unnest($1::text[], $2::text[]) AS ended (workflow_id, alive_at)
      WHERE w.workflow_id = ended.workflow_id AND w.alive_at::text = ended.alive_at`,
    [ended.map((waiter) => waiter.workflowId), ended.map((waiter) => waiter.aliveAt)],
  );
}

export async function listWaitingWorkflows(db: Db, userId: string): Promise<string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    'SELECT DISTINCT workflow_id FROM mcp_waiter WHERE user_id = $1',
    [userId],
  );
  return rows.map((row) => row.workflow_id);
}

export async function removeWaitersOf(db: Db, userId: string): Promise<number> {
  return changeAllWaiters(db, (table) => `DELETE FROM ${table} WHERE user_id = $1`, [userId]);
}
