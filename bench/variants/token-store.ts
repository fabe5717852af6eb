import pg from 'pg';
import { z } from 'zod';

export interface StoredToken {
  userId: string;
  accessToken: string;
  refreshToken: string;
}

export const tokenStoreOptions = z.object({
  databaseUrl: z.string(),
  tokenEndpoint: z.string(),
  clientId: z.string(),
  resource: z.string(),
});

export type TokenStoreOptions = z.infer<typeof tokenStoreOptions>;

const tokenAnswer = z.object({ access_token: z.string(), refresh_token: z.string() });

export interface TokenStore {
  create(): Promise<void>;
  read(userId: string): Promise<StoredToken | undefined>;
  write(token: StoredToken): Promise<void>;
  /** RFC 6749, section 6. @throws if it is refused: with reuse detection, the whole grant is lost then */
  refresh(token: StoredToken): Promise<StoredToken>;
  close(): Promise<void>;
}

/** Tokens in Postgres, in clear: what the variants would share. */
export function createTokenStore({ databaseUrl, ...grant }: TokenStoreOptions): TokenStore {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });

  async function write({ userId, accessToken, refreshToken }: StoredToken): Promise<void> {
    await pool.query(
      `INSERT INTO bench_token VALUES ($1, $2, $3)
       ON CONFLICT (user_id) DO UPDATE SET access_token = $2, refresh_token = $3`,
      [userId, accessToken, refreshToken],
    );
  }

  return {
    write,
    async create() {
      await pool.query(
        'CREATE TABLE IF NOT EXISTS bench_token (user_id text PRIMARY KEY, access_token text, refresh_token text)',
      );
    },
    async read(userId) {
      const { rows } = await pool.query<StoredToken>(
        `SELECT user_id AS "userId", access_token AS "accessToken", refresh_token AS "refreshToken"
         FROM bench_token WHERE user_id = $1`,
        [userId],
      );
      return rows[0];
    },
    async refresh({ userId, refreshToken }) {
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: grant.clientId,
        resource: grant.resource,
      });
      const response = await fetch(grant.tokenEndpoint, { method: 'POST', body });
      if (!response.ok) throw new Error(`the refresh was refused with status ${response.status}`);
      const answer = tokenAnswer.parse(await response.json());
      const renewed = { userId, accessToken: answer.access_token, refreshToken: answer.refresh_token };
      await write(renewed);
      return renewed;
    },
    close: () => pool.end(),
  };
}
