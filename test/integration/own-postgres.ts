import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import type { TestDatabase } from '../support/database.ts';

/** A Postgres of its own, for tests that stop it. */
export interface OwnPostgres {
  /** Migrated. Dropping it ends the server and removes its data. */
  database: TestDatabase;
  /** Ends all sessions at once, as a restart does; nothing that was committed is forgotten. */
  stop(): Promise<void>;
  /** At the same address, on the same data. */
  start(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-postgres-'));
  const port = await freePort();
  let postgres = await startPostgres({ dataDir, port });
  await migrate(postgres.url);
  const stop = () => postgres.stop();
  return {
    database: {
      url: postgres.url,
      async drop() {
        await stop();
        await rm(dataDir, { recursive: true });
      },
    },
    stop,
    async start() {
      postgres = await startPostgres({ dataDir, port });
    },
  };
}
