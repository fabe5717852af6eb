import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Db, inTransaction, type Pool } from '../../src/db/pool.ts';
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
