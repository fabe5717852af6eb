import pg from 'pg';
import { isReadOnly } from './database-errors.ts';

export type Db = Pick<pg.Pool, 'query'>;
export type Pool = pg.Pool;

export interface PoolOptions {
  databaseUrl: string;
  /** The largest number of connections. */
  size: number;
  onIdleError: (error: Error) => void;
  /** Called for every new connection. */
  onConnect?: () => void;
}

/** All queries are short. A statement that takes 15 s is stuck, and its caller retries. */
const STATEMENT_TIMEOUT_MS = 15_000;
export const CONNECT_TIMEOUT_MS = 5_000;

export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.size,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // Also ends a query on a connection whose server disappeared without closing it.
    query_timeout: STATEMENT_TIMEOUT_MS + 5_000,
    keepAlive: true,
    application_name: 'latchkey',
  });
  // Without a listener, an idle connection that dies (at a restart of Postgres) would end the process.
  pool.on('error', options.onIdleError);
  // A connection that is in use emits its error on the client, possibly between two queries of a transaction, when
  // there is no query that could fail. The next query then fails, and its caller handles that.
  pool.on('connect', (client) => client.on('error', () => {}));
  if (options.onConnect) pool.on('connect', options.onConnect);
  return pool;
}

/** Runs `work` in one transaction; rolls back when it throws. */
export function inTransaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return transact(pool, work, 'COMMIT');
}

/** Runs `work` in a transaction that is always rolled back, to learn its result without its effects. */
export function inRolledBackTransaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return transact(pool, work, 'ROLLBACK');
}

async function transact<T>(
  pool: Pool,
  work: (db: Db) => Promise<T>,
  ending: 'COMMIT' | 'ROLLBACK',
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query(ending);
    return result;
  } catch (error) {
    // The primary has become a standby. The connection must be closed, or the pool would keep using the standby.
    if (error instanceof Error && isReadOnly(error)) broken = error;
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
