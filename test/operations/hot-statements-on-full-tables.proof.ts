import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createExplainingPool } from '../../bench/growth/explaining-pool.ts';
import { fill, fillServers, GROWING, sealedTexts, sizeOf } from '../../bench/growth/fill.ts';
import { judgedTables, measureStatements } from '../../bench/growth/measure-statements.ts';
import type { MeasuredStatement } from '../../bench/growth/statements.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';
import { closedAfter } from '../support/closed-after.ts';
import { createTestDatabase } from '../support/database.ts';

const CREDENTIALS = 50_000;

/** docs/performance.md says why these may read a whole table. */
const MAY_READ_ALL = [
  'countWaiters: mcp_listing_waiter',
  'countWaiters: mcp_step_waiter',
  'deleteExpired: watchedUsers: mcp_watched_user',
  'startLostWork: mcp_listing_waiter',
  'startLostWork: mcp_step_waiter',
];

const proof = test.extend(
  'measured',
  { scope: 'file' },
  closedAfter(measureOnFullTables, ({ close }) => close()),
);

async function measureOnFullTables() {
  const database = await createTestDatabase();
  const explaining = createExplainingPool(database.url);
  const filling = new pg.Pool({ connectionString: database.url, max: 1 });
  const close = async () => {
    await Promise.all([explaining.pool.end(), filling.end()]);
    await database.drop();
  };
  const keyRing = createKeyRing([{ id: 'k1', bytes: randomBytes(32) }]);
  const vault = createVault(keyRing);
  await fillServers(filling);
  await fill(filling, { from: 0, to: CREDENTIALS }, await sealedTexts(vault));
  const { waiters } = await sizeOf(filling);
  // Temporal is asked about waiters that have been silent for a week; without an answer they stay.
  const client = {} as Client;
  const statements = await measureStatements({ ...explaining, filling, client, vault, keyRing });
  return { statements, waiters, judged: await judgedTables(filling), close };
}

proof('every hot statement finds its rows by an index, but three that may read all', ({ measured }) => {
  const readAll = measured.statements.flatMap(({ operation, scanned }) =>
    scanned.map((table) => `${operation}: ${table}`),
  );

  expect(measured.statements.length).toBeGreaterThan(50);
  expect(measured.judged).toEqual([...GROWING].sort());
  expect(MAY_READ_ALL).toEqual(expect.arrayContaining(readAll));
  // The negative control: a scan is seen.
  expect(readAll).toContain('countWaiters: mcp_step_waiter');
});

proof('the call path reads its connection in one statement, by an index', ({ measured }) => {
  const reads = named(measured.statements, 'readConnection');

  expect(reads).toHaveLength(1);
  expect(reads[0]?.indexes).toHaveLength(1);
  expect(reads[0]?.buffers).toBeLessThan(20);
});

proof('the purge of tombstones does not read those that are kept', ({ measured }) => {
  const purge = named(measured.statements, 'deleteExpired: tombstones').find(({ text }) =>
    /DELETE/.test(text),
  );

  expect(purge?.indexes).toContain('mcp_credential_forgotten');
  expect(purge?.buffers).toBeLessThan(100);
});

// Five steps wait for each connection, and each look by the key reads four pages.
proof('the search for lost resumptions looks up each awaited connection once', ({ measured }) => {
  const [search] = named(measured.statements, 'startLostWork');

  expect(search?.text).toContain('mcp_waiter');
  expect(search?.scanned).not.toContain('mcp_credential');
  expect(search?.buffers).toBeLessThan(2 * measured.waiters);
});

function named(statements: readonly MeasuredStatement[], operation: string): MeasuredStatement[] {
  return statements.filter((statement) => statement.operation === operation);
}
