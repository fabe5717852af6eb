import { test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { closedAfter } from '../support/closed-after.ts';
import { createTestDatabase } from '../support/database.ts';

interface ChangesDatabase {
  pool: Pool;
  /** How often a change was noted for anyone. */
  noted(): Promise<number>;
  close(): Promise<void>;
}

async function open(): Promise<ChangesDatabase> {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => {} });
  return {
    pool,
    async noted() {
      const { rows } = await pool.query<{ noted: string }>(
        'SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS noted FROM mcp_user_change',
      );
      return Number(rows[0]?.noted);
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** Tests on a database of their own. */
export const changesTest = test.extend(
  'db',
  closedAfter(open, ({ close }) => close()),
);
