import type { Db } from '../db/pool.ts';
import { createOpaqueToken, hashOpaqueToken } from '../vault/opaque-token.ts';

/** Who a browser is signed in as. */
export interface WebUser {
  userId: string;
  isAdmin: boolean;
}

/** The browser sessions of the web page. A session is known by an opaque id, which the browser sends in a cookie. */
export interface WebSessions {
  /**
   * Returns undefined for an unknown, ended or expired session. Counts as a use.
   *
   * @param isUse false: the page asks by itself, so it does not count
   */
  find(id: string, isUse?: boolean): Promise<WebUser | undefined>;
  /** Begins a session and returns its id. Ends `previous`: an id from before a sign-in is never kept. */
  begin(user: WebUser, previous?: string): Promise<string>;
  /** Resolves also if there is no such session. */
  end(id: string): Promise<void>;
}

/** A session ends when it was unused for this long, or is this old. By the database's clock. */
const IDLE_LIMIT = "interval '12 hours'";
export const MAX_SESSION_DAYS = 7;
const AGE_LIMIT = `interval '${MAX_SESSION_DAYS} days'`;
/** A use is recorded once in this time, so that not every request writes. */
const USE_INTERVAL = "interval '1 minute'";
const BATCH_SIZE = 10_000;

export function createWebSessions(db: Db): WebSessions {
  return {
    find: (id, isUse = true) => findSession(db, id, isUse),
    begin: (user, previous) => beginSession(db, user, previous),
    end: (id) => endSession(db, id),
  };
}

async function findSession(db: Db, id: string, isUse: boolean): Promise<WebUser | undefined> {
  const { rows } = await db.query<{ user_id: string; is_admin: boolean }>(
    `WITH found AS (
       SELECT * FROM mcp_web_session
        WHERE id_hash = $1 AND last_used_at > now() - ${IDLE_LIMIT} AND created_at > now() - ${AGE_LIMIT}),
     used AS (
       UPDATE mcp_web_session s SET last_used_at = now() FROM found
        WHERE $2 AND s.id_hash = found.id_hash AND found.last_used_at < now() - ${USE_INTERVAL})
     SELECT user_id, is_admin FROM found`,
    [hashOpaqueToken(id), isUse],
  );
  return rows[0] && { userId: rows[0].user_id, isAdmin: rows[0].is_admin };
}

async function beginSession(db: Db, user: WebUser, previous: string | undefined): Promise<string> {
  const id = createOpaqueToken();
  await db.query(
    `WITH previous AS (DELETE FROM mcp_web_session WHERE id_hash = $4)
     INSERT INTO mcp_web_session (id_hash, user_id, is_admin) VALUES ($1, $2, $3)`,
    [
      hashOpaqueToken(id),
      user.userId,
      user.isAdmin,
      previous === undefined ? null : hashOpaqueToken(previous),
    ],
  );
  return id;
}

async function endSession(db: Db, id: string): Promise<void> {
  await db.query('DELETE FROM mcp_web_session WHERE id_hash = $1', [hashOpaqueToken(id)]);
}

/** Deletes ended sessions, at most 10,000 per call. Returns their number. */
export async function deleteExpiredSessions(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_web_session WHERE id_hash IN (
       SELECT id_hash FROM mcp_web_session
        WHERE last_used_at <= now() - ${IDLE_LIMIT} OR created_at <= now() - ${AGE_LIMIT} LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

/** Signs a user out of every browser. Returns the number of sessions. */
export async function deleteSessionsOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_web_session WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
