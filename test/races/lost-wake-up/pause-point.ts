import pg from 'pg';
import { vi } from 'vitest';

/** A place in another process's work where it waits until the test lets it go on. */
export interface PausePoint {
  /** What the other process passes to `pauseAt`. */
  key: number;
  /** Resolves when the other process waits there. */
  reached(): Promise<void>;
  release(): Promise<void>;
}

export interface PausePoints {
  create(): Promise<PausePoint>;
  close(): Promise<void>;
}

/** Pause points are advisory locks of Postgres, which the test holds from their creation to their release. */
export async function openPausePoints(databaseUrl: string): Promise<PausePoints> {
  const session = new pg.Client({ connectionString: databaseUrl });
  await session.connect();
  let lastKey = 0;
  return {
    async create() {
      lastKey += 1;
      const key = lastKey;
      await session.query('SELECT pg_advisory_lock($1)', [key]);
      return {
        key,
        reached: () => vi.waitFor(() => expectWaiter(session, key), { timeout: 20_000, interval: 10 }),
        async release() {
          await session.query('SELECT pg_advisory_unlock($1)', [key]);
        },
      };
    },
    close: () => session.end(),
  };
}

async function expectWaiter(session: pg.Client, key: number): Promise<void> {
  const { rowCount } = await session.query(
    `SELECT FROM pg_locks
      WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = $1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [key],
  );
  if (rowCount === 0) throw new Error(`nobody waits at pause point ${key}`);
}
