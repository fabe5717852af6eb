import type { Db } from '../../db/pool.ts';

/**
 * Changes the waiters of steps and those of listings in one statement; returns the number of changed rows.
 *
 * @param statement a DELETE or UPDATE of the table, without RETURNING
 */
export async function changeAllWaiters(
  db: Db,
  statement: (table: string) => string,
  values: unknown[],
): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `WITH of_steps AS (${statement('mcp_step_waiter')} RETURNING 1),
          of_listings AS (${statement('mcp_listing_waiter')} RETURNING 1)
     SELECT (SELECT count(*) FROM of_steps) + (SELECT count(*) FROM of_listings) AS count`,
    values,
  );
  return Number(rows[0]?.count ?? 0);
}
