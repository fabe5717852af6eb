import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import { databaseUrl, dropDatabasesOfRun, templateDatabase } from '../support/database-template.ts';

/** A migrated database, on the Postgres of `DATABASE_URL` or an embedded one. */
export interface ConformanceDatabase {
  url: string;
  close(): Promise<void>;
}

export async function openDatabase(): Promise<ConformanceDatabase> {
  const configured = process.env.DATABASE_URL;
  const runId = randomBytes(4).toString('hex');
  if (configured) {
    const url = databaseUrl(configured, await templateDatabase(configured, runId));
    return { url, close: () => dropDatabasesOfRun(configured, runId) };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-conformance-'));
  const postgres = await startPostgres({ dataDir, persistent: false });
  const url = databaseUrl(postgres.url, await templateDatabase(postgres.url, runId));
  return { url, close: () => postgres.stop() };
}
