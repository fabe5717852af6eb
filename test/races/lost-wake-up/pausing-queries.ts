import pg from 'pg';
import { DEFAULT_ACCOUNT } from '../../../src/contracts/accounts.ts';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Db, Pool } from '../../../src/db/pool.ts';

/** Waits until the test releases the pause point; passes without waiting once it has. */
export async function pauseAt(pool: Pool, key: number): Promise<void> {
  // Those of the pool give up a statement after 15 s. On a busy machine the last of the races waits for longer.
  const session = new pg.Client({ connectionString: pool.options.connectionString });
  await session.connect();
  try {
    await session.query('SELECT pg_advisory_lock($1)', [key]);
  } finally {
    await session.end();
  }
}

/** Names the account of a user whose step pauses. */
export function pausesKey({ userId, account }: Pick<CredentialKey, 'userId' | 'account'>): string {
  return JSON.stringify([userId, account ?? DEFAULT_ACCOUNT]);
}

/** The same queries, but each waits at the pause point of the first fragment that its text holds. */
export function pausingBefore(
  db: Db,
  points: readonly { fragment: string; key: number }[],
  pause: (key: number) => Promise<void>,
): Db {
  const query = async (text: string, values?: unknown[]) => {
    const point = points.find(({ fragment }) => text.includes(fragment));
    if (point !== undefined) await pause(point.key);
    return db.query(text, values);
  };
  // The cast leaves out the overloads of `query` that this project does not use.
  return { query: query as Db['query'] };
}
