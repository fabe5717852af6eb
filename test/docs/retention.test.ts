import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createTestDatabase } from '../support/database.ts';

const RETENTION = new URL('../../docs/retention.md', import.meta.url);

test('the retention table names every table of the schema, and no other', async () => {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => {} });
  const { rows } = await pool.query<{ table: string }>(
    `SELECT tablename AS "table" FROM pg_tables WHERE schemaname = 'public'`,
  );
  await pool.end();
  await database.drop();

  expect(await tablesWithLifetime()).toEqual(rows.map(({ table }) => table).sort());
});

/** The names in the column "table" of the page on retention. */
async function tablesWithLifetime(): Promise<string[]> {
  const rows = (await readFile(RETENTION, 'utf8')).split('\n').filter((line) => line.startsWith('|'));
  const named = rows.flatMap((row) => row.split('|')[2]?.match(/\b(?:mcp|latchkey)_\w+/g) ?? []);
  return [...new Set(named)].sort();
}
