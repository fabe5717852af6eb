import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPool } from '../../src/db/open-pool.ts';
import { createPool, type Db, inTransaction, type Pool } from '../../src/db/pool.ts';
import { createAvailability } from '../../src/logging/availability.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createRequestContext } from '../../src/logging/request-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => {} });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('a connection that is cut between two queries of a transaction ends the transaction, not the process', async () => {
  const transaction = inTransaction(pool, async (db) => {
    await db.query('SELECT 1');
    await cutWhileIdle(db);
    await db.query('SELECT 2');
  });

  await expect(transaction).rejects.toThrow();

  expect((await pool.query('SELECT 3 AS n')).rows).toEqual([{ n: 3 }]);
});

test('a connection that is lost after the request that opened it is not logged with the id of that request', async () => {
  const lines: Record<string, unknown>[] = [];
  const requests = createRequestContext();
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = requests.loggerOf(createLogger({ level: 'info', destination }));
  const reportTo = createAvailability({ logger, name: 'database' });
  const own = openPool({ databaseUrl: database.url, size: 1, reportTo });
  const pid = await requests.run({ requestId: 'r-1' }, async () => {
    logger.info('within the request');
    return (await own.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  });
  await pool.query('SELECT pg_terminate_backend($1)', [pid]);
  await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 20_000 });
  await own.end();

  expect(lines.map(({ msg, requestId }) => [msg, requestId])).toEqual([
    ['within the request', 'r-1'],
    ['database.unavailable', undefined],
  ]);
});

/** Ends the connection from outside and waits until the client has seen it. */
async function cutWhileIdle(db: Db): Promise<void> {
  // The cast names what `inTransaction` hands over: a client that is checked out.
  const client = db as pg.PoolClient;
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // Not `events.once`: it would listen for the error, which is the pool's job.
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  await admin.end();
  await ended;
}
