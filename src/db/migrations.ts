import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTableMissing } from './database-errors.ts';
import type { Db } from './pool.ts';

/** The folder of the numbered .sql files. It is beside `src` and `dist`, so the path is the same from both. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));
/** The table, in the schema `public`, where node-pg-migrate records the migrations that ran. */
export const MIGRATIONS_TABLE = 'latchkey_migration';

/** The database lacks migrations of this version. */
export class DatabaseUnmigrated extends Error {
  constructor(missing: readonly string[]) {
    super(`the database lacks migrations of this version (${missing.join(', ')}): run \`latchkey migrate\``);
    this.name = 'DatabaseUnmigrated';
  }
}

/**
 * Checks that all migrations of this version ran. Migrations that this version does not know are allowed, because the
 * database is upgraded before the processes.
 *
 * @throws DatabaseUnmigrated
 */
export async function refuseUnmigrated(db: Db): Promise<void> {
  const [expected, ran] = await Promise.all([listMigrationFiles(), listMigrationsThatRan(db)]);
  const missing = expected.filter((name) => !ran.has(name));
  if (missing.length > 0) throw new DatabaseUnmigrated(missing);
}

async function listMigrationFiles(): Promise<string[]> {
  const files = await readdir(MIGRATIONS_FOLDER);
  return files.filter((file) => file.endsWith('.sql')).map((file) => basename(file, '.sql'));
}

async function listMigrationsThatRan(db: Db): Promise<ReadonlySet<string>> {
  try {
    const { rows } = await db.query<{ name: string }>(`SELECT name FROM public.${MIGRATIONS_TABLE}`);
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if (isTableMissing(error)) return new Set();
    throw error;
  }
}
