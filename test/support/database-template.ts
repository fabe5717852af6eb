import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';

/** The prefix of all databases that one test run creates. */
export function databasePrefix(testRunId: string): string {
  return `latchkey_test_${testRunId}_`;
}

/**
 * The run's template, with the migrations applied: made by whichever test file asks first, while the others
 * wait on an advisory lock.
 */
export async function templateDatabase(adminUrl: string, testRunId: string): Promise<string> {
  const template = `${databasePrefix(testRunId)}template`;
  const unfinished = `${template}_unfinished`;
  return asAdmin(adminUrl, async (admin) => {
    await admin.query('SELECT pg_advisory_lock(hashtext($1))', [template]);
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [template]);
    if (rowCount === 0) {
      await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${unfinished}`);
      await migrate(databaseUrl(adminUrl, unfinished));
      await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
    }
    return template;
  });
}

/** Drops what a run has left behind. */
export async function dropDatabasesOfRun(adminUrl: string, testRunId: string): Promise<void> {
  await asAdmin(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [databasePrefix(testRunId)],
    );
    for (const { datname } of rows) await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  });
}

/** The same server and user, another database. */
export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs `action` on a connection of its own; session locks end with it. */
export async function asAdmin<T>(adminUrl: string, action: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.end();
  }
}
