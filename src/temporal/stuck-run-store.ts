import type { Db } from '../db/pool.ts';

/** Counts each run once more. Deletes the rows of other runs that are older than 30 days. */
export async function markStuck(db: Db, runIds: string[]): Promise<void> {
  await db.query(
    `WITH old AS (DELETE FROM mcp_stuck_run WHERE stuck_at < now() - interval '30 days' AND run_id <> ALL ($1::text[]))
     INSERT INTO mcp_stuck_run (run_id) SELECT unnest($1::text[])
     ON CONFLICT (run_id) DO UPDATE SET times = mcp_stuck_run.times + 1, stuck_at = now()`,
    [runIds],
  );
}

/** Deletes the row of a run whose workflow thread has answered after all. */
export async function clearStuck(db: Db, runId: string): Promise<void> {
  await db.query('DELETE FROM mcp_stuck_run WHERE run_id = $1', [runId]);
}

/** Whether the run must not be replayed yet: for 10 minutes at first, then four times longer each time, up to a day. */
export async function isToBeLeftAlone(db: Db, runId: string): Promise<boolean> {
  const { rows } = await db.query(
    `SELECT FROM mcp_stuck_run
      WHERE run_id = $1
        AND stuck_at > now() - least(interval '1 day', interval '10 minutes' * power(4, least(times, 9) - 1))`,
    [runId],
  );
  return rows.length > 0;
}
