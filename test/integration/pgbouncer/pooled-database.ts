import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { asAdmin, databasePrefix, databaseUrl } from '../../support/database-template.ts';
import { documentedSettings, documentedStatement } from './documented-settings.ts';
import { type PgBouncer, startPgBouncer } from './start-pgbouncer.ts';

/** A migrated database of its own, whose owner is no superuser, behind a PgBouncer that is set up as documented. */
export interface PooledDatabase {
  /** Of the user, through PgBouncer. */
  url: string;
  /** Of the user, at Postgres itself. */
  directUrl: string;
  pgBouncer: PgBouncer;
  /** Another one in front of the same database. */
  startAnother(settings: (documented: string) => string): Promise<{ url: string; stop(): Promise<void> }>;
  drop(): Promise<void>;
}

const SERVER_CONNECTIONS = 2;

export async function createPooledDatabase(program: string): Promise<PooledDatabase> {
  const adminUrl = inject('adminDatabaseUrl');
  const name = `${databasePrefix(inject('testRunId'))}pooled_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  await asAdmin(adminUrl, async (admin) => {
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
    await admin.query(documentedStatement(name));
  });
  const directUrl = directUrlOf(adminUrl, name, password);
  await migrate(directUrl);
  const documented = documentedSettings(name, new URL(adminUrl));
  const start = (settings: string) =>
    startPgBouncer({ program, settings, user: name, password, serverConnections: SERVER_CONNECTIONS });
  const pgBouncer = await start(documented);
  return {
    url: pgBouncer.urlOf(name),
    directUrl,
    pgBouncer,
    async startAnother(settings) {
      const another = await start(settings(documented));
      return { url: another.urlOf(name), stop: another.stop };
    },
    async drop() {
      await pgBouncer.stop();
      await asAdmin(adminUrl, async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await admin.query(`DROP ROLE ${name}`);
      });
    },
  };
}

function directUrlOf(adminUrl: string, name: string, password: string): string {
  const url = new URL(databaseUrl(adminUrl, name));
  url.username = name;
  url.password = password;
  return url.href;
}
