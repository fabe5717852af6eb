import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
const ignore = () => {};

/**
 * Brings the schema up to date. Safe to run at once from many processes (all but one wait on an advisory
 * lock and then find nothing to do) and again. Answers the names of the migrations it ran.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const ran = await runner({
    databaseUrl,
    dir: MIGRATIONS,
    direction: 'up',
    migrationsTable: 'latchkey_migration',
    advisoryLockMode: 'wait',
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  return ran.map((migration) => migration.name);
}
