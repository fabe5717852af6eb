import { DatabaseUnmigrated, refuseUnmigrated } from '../db/migrations.ts';
import type { Db } from '../db/pool.ts';
import { databaseFailure } from '../process/cannot-run.ts';
import { findKeyProblems } from '../vault/boot-check/key-problems.ts';
import type { KeyRing } from '../vault/key-ring.ts';
import type { Vault } from '../vault/vault.ts';
import { type Check, checkWithin, failed, ok } from './doctor-check.ts';

export interface PostgresDependencies {
  db: Db;
  keyRing: KeyRing;
  vault: Vault;
}

/** Checks that Postgres answers, has all migrations, and that all keys in use are configured. Changes nothing. */
export async function* checkPostgres(deps: PostgresDependencies): AsyncGenerator<Check> {
  const reached = await checkWithin(
    async () => ok(`answers (Postgres ${await versionOf(deps.db)})`),
    explain,
  );
  yield { check: 'postgres', ...reached };
  if (reached.status === 'failed') {
    return yield* skipped(['migrations', 'encryption-keys'], "Postgres can't be used");
  }
  const migrated = await checkWithin(() => findMigrations(deps.db), explain);
  yield { check: 'migrations', ...migrated };
  if (migrated.status === 'failed') return yield* skipped(['encryption-keys'], 'migrations are missing');
  yield { check: 'encryption-keys', ...(await checkWithin(() => findKeys(deps), explain)) };
}

function* skipped(names: readonly Check['check'][], why: string): Generator<Check> {
  for (const check of names) yield { check, status: 'skipped', message: `not checked: ${why}` };
}

async function versionOf(db: Db): Promise<string> {
  const { rows } = await db.query<{ server_version: string }>('SHOW server_version');
  return rows[0]?.server_version ?? 'of an unknown version';
}

async function findMigrations(db: Db) {
  try {
    await refuseUnmigrated(db);
    return ok('all of this version have run');
  } catch (error) {
    if (error instanceof DatabaseUnmigrated) return failed(error.message);
    throw error;
  }
}

async function findKeys(deps: PostgresDependencies) {
  const problems = await findKeyProblems(deps);
  if (problems.length === 0) return ok('all keys in use are configured');
  return failed(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; '));
}

function explain(error: unknown): string {
  return databaseFailure(error).message;
}
