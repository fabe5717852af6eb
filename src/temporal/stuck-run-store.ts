import type { Db } from '../db/pool.ts';

/** Stores that the runs are stuck, or are stuck once more. Deletes other runs' rows that are older than 30 days. */
export async function markStuck(db: Db, runIds: string[]): Promise<void> {
  await db.query(
    `WITH old AS (DELETE FROM mcp_stuck_run WHERE stuck_at < now() - interval '30 days' AND run_id <> ALL ($1::text[]))
     INSERT INTO mcp_stuck_run (run_id) SELECT unnest($1::text[])
     ON CONFLICT (run_id) DO UPDATE SET times = mcp_stuck_run.times + 1, stuck_at = now()`,
    [runIds],
  );
}

/** Deletes the row of a run whose workflow thread answered after all. */
export async function clearStuck(db: Db, runId: string): Promise<void> {
  await db.query('DELETE FROM mcp_stuck_run WHERE run_id = $1', [runId]);
}

/** The run must not be replayed yet: for 10 minutes the first time, then four times longer each time, up to a day. */
const IS_QUARANTINED =
  "stuck_at > now() - least(interval '1 day', interval '10 minutes' * power(4, least(times, 9) - 1))";

export async function isQuarantined(db: Db, runId: string): Promise<boolean> {
  const { rows } = await db.query(`SELECT FROM mcp_stuck_run WHERE run_id = $1 AND ${IS_QUARANTINED}`, [
    runId,
  ]);
  return rows.length > 0;
}

/** Returns the latest runs that must not be replayed yet. Usually there are none. */
export async function listQuarantined(db: Db, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ run_id: string }>(
    `SELECT run_id FROM mcp_stuck_run WHERE ${IS_QUARANTINED} ORDER BY stuck_at DESC LIMIT $1`,
    [limit],
  );
  return rows.map(({ run_id }) => run_id);
}
