import type { Db } from '../db/pool.ts';
import { createOpaqueToken, hashOpaqueToken } from '../vault/opaque-token.ts';

/** The user that a link signs in. */
export interface SignInLink {
  userId: string;
  /** Where the browser goes then. Undefined: the home page. */
  returnTo?: string;
}

/** Links that sign a user in to the web page, once, for a short time. */
export interface SignInLinks {
  create(link: SignInLink): Promise<{ token: string; expiresAt: Date }>;
  /** Returns what a link would do. Undefined if it was used, is too late or never existed. */
  find(token: string): Promise<SignInLink | undefined>;
  /** The same, and uses the link up. Of two requests at once, one gets it. */
  use(token: string): Promise<SignInLink | undefined>;
}

/** By the database's clock. */
const LIFETIME = "interval '60 seconds'";
const BATCH_SIZE = 10_000;

export function createSignInLinks(db: Db): SignInLinks {
  return {
    create: (link) => createLink(db, link),
    find: async (token) =>
      linkIn(
        await db.query<LinkRow>(
          `SELECT user_id, return_to FROM mcp_sign_in_link
            WHERE token_hash = $1 AND created_at > now() - ${LIFETIME}`,
          [hashOpaqueToken(token)],
        ),
      ),
    use: async (token) =>
      linkIn(
        await db.query<LinkRow>(
          `DELETE FROM mcp_sign_in_link WHERE token_hash = $1 AND created_at > now() - ${LIFETIME}
           RETURNING user_id, return_to`,
          [hashOpaqueToken(token)],
        ),
      ),
  };
}

interface LinkRow {
  user_id: string;
  return_to: string | null;
}

function linkIn({ rows: [row] }: { rows: LinkRow[] }): SignInLink | undefined {
  return row && { userId: row.user_id, ...(row.return_to !== null && { returnTo: row.return_to }) };
}

async function createLink(db: Db, { userId, returnTo }: SignInLink) {
  const token = createOpaqueToken();
  const { rows } = await db.query<{ expires_at: Date }>(
    `INSERT INTO mcp_sign_in_link (token_hash, user_id, return_to) VALUES ($1, $2, $3)
     RETURNING created_at + ${LIFETIME} AS expires_at`,
    [hashOpaqueToken(token), userId, returnTo ?? null],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('sign-in link: INSERT returned no row');
  return { token, expiresAt: row.expires_at };
}

/** Deletes links that are too late, at most 10,000 per call. Returns their number. */
export async function deleteExpiredSignInLinks(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_sign_in_link WHERE token_hash IN (
       SELECT token_hash FROM mcp_sign_in_link WHERE created_at <= now() - ${LIFETIME} LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

/** Deletes a user's links. Returns their number. */
export async function deleteSignInLinksOf(db: Db, userId: string): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM mcp_sign_in_link WHERE user_id = $1', [userId]);
  return rowCount ?? 0;
}
