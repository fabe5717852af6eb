import type { Db } from '../db/pool.ts';

/** A change number: a bigint in decimal. Compare it for equality only. */
export type Change = string;

/** A user stays watched this long after the last sign of a page, so that leaving one page for the next loses nothing. */
const WATCH_TIME = "interval '90 seconds'";
/** A watch that lasts this long is not extended yet, so that not every request writes. */
const EXTEND_BELOW = "interval '45 seconds'";
const BATCH_SIZE = 10_000;

interface WatchedRow {
  user_id: string;
  change: Change;
}

/** Makes a user a watched one, and returns the change number. The number of a new row is one that no page has seen. */
export async function watchUser(db: Db, userId: string): Promise<Change> {
  const { rows } = await db.query<Pick<WatchedRow, 'change'>>(
    `WITH watched AS (
       SELECT change FROM mcp_watched_user WHERE user_id = $1 AND watched_until > now() + ${EXTEND_BELOW}),
     extended AS (
       INSERT INTO mcp_watched_user AS w (user_id, watched_until)
       SELECT $1, now() + ${WATCH_TIME} WHERE NOT EXISTS (SELECT FROM watched)
       ON CONFLICT (user_id) DO UPDATE SET watched_until = excluded.watched_until
       RETURNING change)
     SELECT change FROM watched UNION ALL SELECT change FROM extended`,
    [userId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a watched user has no row');
  return row.change;
}

/**
 * Extends the watch of these users, except where another transaction holds the row: the next call comes long before the
 * watch ends. Returns the change numbers.
 */
export async function keepWatching(db: Db, userIds: readonly string[]): Promise<Map<string, Change>> {
  const { rows } = await db.query<WatchedRow>(
    `WITH free AS (
       SELECT user_id FROM mcp_watched_user WHERE user_id = ANY ($1) ORDER BY user_id FOR UPDATE SKIP LOCKED),
     extended AS (
       UPDATE mcp_watched_user w SET watched_until = now() + ${WATCH_TIME}
         FROM free WHERE w.user_id = free.user_id),
     added AS (
       INSERT INTO mcp_watched_user (user_id, watched_until)
       SELECT user_id, now() + ${WATCH_TIME} FROM unnest($1::text[]) AS u (user_id)
        WHERE NOT EXISTS (SELECT FROM mcp_watched_user w WHERE w.user_id = u.user_id) ORDER BY user_id
       ON CONFLICT (user_id) DO NOTHING
       RETURNING user_id, change)
     SELECT user_id, change FROM mcp_watched_user WHERE user_id = ANY ($1)
     UNION ALL SELECT user_id, change FROM added`,
    [userIds],
  );
  return toMap(rows);
}

/** Returns the change numbers of those of these users who are watched. */
export async function readChanges(db: Db, userIds: readonly string[]): Promise<Map<string, Change>> {
  const { rows } = await db.query<WatchedRow>(
    'SELECT user_id, change FROM mcp_watched_user WHERE user_id = ANY ($1)',
    [userIds],
  );
  return toMap(rows);
}

/**
 * Raises the change number of those of these users who are watched. Writes nothing for others, and does not wait for
 * rows that another transaction holds: returns the users of these rows.
 */
export async function noteChanges(db: Db, userIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<Pick<WatchedRow, 'user_id'>>(
    'SELECT user_id FROM mcp_note_changes($1) AS held (user_id)',
    [userIds],
  );
  return rows.map((row) => row.user_id);
}

/** Deletes users who are no longer watched, at most 10,000 per call. Returns their number. */
export async function deleteUnwatched(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_watched_user WHERE user_id IN (
       SELECT user_id FROM mcp_watched_user WHERE watched_until < now()
        ORDER BY user_id LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED)`,
  );
  return rowCount ?? 0;
}

/** Ends the watch of a user who is forgotten. */
export async function deleteWatchOf(db: Db, userId: string): Promise<void> {
  await db.query('DELETE FROM mcp_watched_user WHERE user_id = $1', [userId]);
}

function toMap(rows: WatchedRow[]): Map<string, Change> {
  return new Map(rows.map(({ user_id, change }) => [user_id, change]));
}
