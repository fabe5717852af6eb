import { inject } from 'vitest';
import { asAdmin } from '../../support/database-template.ts';

/** A copy of a whole database, as a backup is one. */
export interface DatabaseBackup {
  /** Puts it in the place of what the database has become, as often as wanted. */
  restore(): Promise<void>;
}

export async function backUpDatabase(databaseUrl: string): Promise<DatabaseBackup> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const copy = `${name}_backup`;
  await asAdmin(inject('adminDatabaseUrl'), async (admin) => {
    // Postgres copies only what nobody is connected to.
    await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`);
    await admin.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [
      name,
    ]);
    await admin.query(`CREATE DATABASE ${copy} TEMPLATE ${name}`);
    await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
  });
  return {
    restore: () =>
      asAdmin(inject('adminDatabaseUrl'), async (admin) => {
        await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
        await admin.query(`CREATE DATABASE ${name} TEMPLATE ${copy}`);
        await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
      }),
  };
}
