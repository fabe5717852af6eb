/**
 * The places of a server with `maxConcurrentCalls`: each call under way holds one, whichever worker makes it. No
 * connection or lock is held during a call. A worker extends the places of its calls; the places of a worker that has
 * died expire. All times are the database's.
 */
import type { Db } from '../db/pool.ts';

export interface CallPlace {
  id: string;
  mcpServerId: string;
}

/** Long enough for several failed extensions. A dead worker's places are taken again after this. */
export const PLACE_SECONDS = 30;

/**
 * Takes a place if fewer than `limit` are held. It is one statement, so a worker that freezes here holds no lock.
 *
 * @returns false if all places are held
 */
export async function takeCallPlace(db: Db, { id, mcpServerId }: CallPlace, limit: number): Promise<boolean> {
  const { rows } = await db.query<{ taken: boolean }>('SELECT mcp_take_call_place($1, $2, $3, $4) AS taken', [
    id,
    mcpServerId,
    limit,
    PLACE_SECONDS,
  ]);
  return rows[0]?.taken === true;
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
