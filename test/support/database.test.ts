import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from './database.ts';

test('test databases are migrated and independent of one another', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);

  await query(one.url, 'CREATE TABLE mine (n int)');

  expect(await query(one.url, "SELECT to_regclass('mine')::text AS it")).toEqual([{ it: 'mine' }]);
  expect(await query(two.url, "SELECT to_regclass('mine')::text AS it")).toEqual([{ it: null }]);
  const migrated = "SELECT to_regclass('latchkey_migration')::text AS it";
  expect(await query(two.url, migrated)).toEqual([{ it: 'latchkey_migration' }]);
  await Promise.all([one.drop(), two.drop()]);
});

test('a dropped test database is gone, sessions and all', async () => {
  const { url, drop } = await createTestDatabase();
  const session = new pg.Client({ connectionString: url });
  const ended = new Promise((resolve) => session.on('error', resolve));
  await session.connect();

  await drop();

  await ended;
  await expect(query(url, 'SELECT 1')).rejects.toThrow(/does not exist/);
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
