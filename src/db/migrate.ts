import { runner } from 'node-pg-migrate';
import { MIGRATIONS_FOLDER, MIGRATIONS_TABLE } from './migrations.ts';
import { CONNECT_TIMEOUT_MS } from './pool.ts';

const ignore = () => {};

/**
 * Brings the schema up to date. Safe to run at once from many processes (all but one wait on an advisory
 * lock and then find nothing to do) and again. Answers the names of the migrations it ran.
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
