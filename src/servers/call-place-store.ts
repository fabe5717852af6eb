/**
 * The places of a server with `maxConcurrentCalls`: each call under way holds one, whichever worker makes it. No
 * connection or lock is held during a call. A worker extends the places of its calls; the places of a worker that has
 * died expire. All times are the database's.
 */
import { type Db, inTransaction, type Pool } from '../db/pool.ts';

export interface CallPlace {
  id: string;
  mcpServerId: string;
}

/** Long enough for several failed extensions. A dead worker's places are taken again after this. */
export const PLACE_SECONDS = 30;

/**
 * Takes a place if fewer than `limit` are held. The lock makes the count exact: without it, two workers that count at the
 * same time would both take the last place.
 *
 * @returns false if all places are held
 */
export async function takeCallPlace(pool: Pool, place: CallPlace, limit: number): Promise<boolean> {
  return inTransaction(pool, async (db) => {
    await db.query("SELECT pg_advisory_xact_lock(hashtextextended('mcp_call_place/' || $1, 0))", [
      place.mcpServerId,
    ]);
    const { rowCount } = await db.query(
      `INSERT INTO mcp_call_place (id, mcp_server_id, held_until)
       SELECT $1, $2, clock_timestamp() + make_interval(secs => $4)
        WHERE (SELECT count(*) FROM mcp_call_place
                WHERE mcp_server_id = $2 AND held_until > clock_timestamp()) < $3`,
      [place.id, place.mcpServerId, limit, PLACE_SECONDS],
    );
    return rowCount === 1;
  });
}

/**
 * Extends the places of calls that are still under way. A place that has expired and was deleted meanwhile is written
 * again, so that its call counts. Also deletes expired places of dead workers.
 */
export async function extendCallPlaces(db: Db, places: readonly CallPlace[]): Promise<void> {
  await db.query(
    `INSERT INTO mcp_call_place (id, mcp_server_id, held_until)
     SELECT id, mcp_server_id, clock_timestamp() + make_interval(secs => $3)
       FROM unnest($1::uuid[], $2::text[]) AS held (id, mcp_server_id)
     ON CONFLICT (id) DO UPDATE SET held_until = excluded.held_until`,
    [places.map(({ id }) => id), places.map(({ mcpServerId }) => mcpServerId), PLACE_SECONDS],
  );
  await db.query(
    `DELETE FROM mcp_call_place WHERE id IN (
       SELECT id FROM mcp_call_place WHERE held_until <= clock_timestamp() FOR UPDATE SKIP LOCKED)`,
  );
}

export async function releaseCallPlace(db: Db, { id }: CallPlace): Promise<void> {
  await db.query('DELETE FROM mcp_call_place WHERE id = $1', [id]);
}
