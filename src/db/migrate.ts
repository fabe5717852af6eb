import { runner } from 'node-pg-migrate';
import { MIGRATIONS_FOLDER, MIGRATIONS_TABLE } from './migrations.ts';
import { CONNECT_TIMEOUT_MS } from './pool.ts';

const ignore = () => {};

/**
 * Runs the pending migrations and returns their names. Several processes may call it at the same time: one of them
 * runs the migrations, and the others wait on an advisory lock and then find none pending.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const ran = await runner({
    databaseUrl: { connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
    dir: MIGRATIONS_FOLDER,
    direction: 'up',
    migrationsTable: MIGRATIONS_TABLE,
    advisoryLockMode: 'wait',
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  return ran.map((migration) => migration.name);
}
