import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTableMissing } from './database-errors.ts';
import type { Db } from './pool.ts';

/** Where the numbered .sql files are, beside `src` and `dist` alike. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Where node-pg-migrate keeps the names of those that ran, in the schema `public`. */
export const MIGRATIONS_TABLE = 'latchkey_migration';

/** The database lacks migrations of this version. */
export class DatabaseUnmigrated extends Error {
  constructor(missing: readonly string[]) {
    super(`the database lacks migrations of this version (${missing.join(', ')}): run \`latchkey migrate\``);
    this.name = 'DatabaseUnmigrated';
  }
}

/**
 * Migrations that it has and this version does not know are fine: the database is upgraded before the processes are.
 *
 * @throws DatabaseUnmigrated
 */
export async function refuseUnmigrated(db: Db): Promise<void> {
  const [wanted, ran] = await Promise.all([migrationsOfThisVersion(), migrationsThatRan(db)]);
  const missing = wanted.filter((name) => !ran.has(name));
  if (missing.length > 0) throw new DatabaseUnmigrated(missing);
}

async function migrationsOfThisVersion(): Promise<string[]> {
  const files = await readdir(MIGRATIONS_FOLDER);
  return files.filter((file) => file.endsWith('.sql')).map((file) => basename(file, '.sql'));
}

async function migrationsThatRan(db: Db): Promise<ReadonlySet<string>> {
  try {
    const { rows } = await db.query<{ name: string }>(`SELECT name FROM public.${MIGRATIONS_TABLE}`);
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if (isTableMissing(error)) return new Set();
    throw error;
  }
}
