import type { Db } from '../db/pool.ts';

/** Counts once more for each run; those of long ago are deleted on the occasion. */
export async function markStuck(db: Db, runIds: string[]): Promise<void> {
  await db.query(
    `WITH old AS (DELETE FROM mcp_stuck_run WHERE stuck_at < now() - interval '30 days' AND run_id <> ALL ($1::text[]))
     INSERT INTO mcp_stuck_run (run_id) SELECT unnest($1::text[])
     ON CONFLICT (run_id) DO UPDATE SET times = mcp_stuck_run.times + 1, stuck_at = now()`,
    [runIds],
  );
}

/** The run has been answered for after all. */
export async function clearStuck(db: Db, runId: string): Promise<void> {
  await db.query('DELETE FROM mcp_stuck_run WHERE run_id = $1', [runId]);
}

/** For 10 minutes after the first time, four times as long after each other one, a day at most. */
const LEFT_ALONE =
  "stuck_at > now() - least(interval '1 day', interval '10 minutes' * power(4, least(times, 9) - 1))";

export async function isToBeLeftAlone(db: Db, runId: string): Promise<boolean> {
  const { rows } = await db.query(`SELECT FROM mcp_stuck_run WHERE run_id = $1 AND ${LEFT_ALONE}`, [runId]);
  return rows.length > 0;
}

/** The latest that are to be left alone. There is hardly ever one. */
export async function findLeftAlone(db: Db, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ run_id: string }>(
    `SELECT run_id FROM mcp_stuck_run WHERE ${LEFT_ALONE} ORDER BY stuck_at DESC LIMIT $1`,
    [limit],
  );
  return rows.map(({ run_id }) => run_id);
}
