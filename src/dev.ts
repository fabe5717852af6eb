import { resolve } from 'node:path';
import { devSecrets, writeDevToken } from './config/dev-secrets.ts';
import type { DevConfig, ServerConfig, WorkerConfig } from './config.ts';
import { startFoundations } from './foundations.ts';
import type { Logger } from './logger.ts';
import { runMigrate } from './migrate.ts';
import { startServer } from './server.ts';
import { startWorker } from './worker.ts';

export interface RunningDev {
  shutdown(): Promise<void>;
}

/** All in one process: Postgres and Temporal where none is configured, migrations, worker and HTTP API. */
export async function startDev(config: DevConfig, logger: Logger): Promise<RunningDev> {
  const dataDir = resolve(config.dataDir);
  const secrets = await devSecrets(dataDir);
  const foundations = await startFoundations(config, dataDir, logger);
  const complete: ServerConfig & WorkerConfig = {
    ...config,
    ...foundations.config,
    encryptionKeys: config.encryptionKeys ?? secrets.encryptionKeys,
    jwt: config.jwt ?? { kind: 'secret', secret: secrets.jwtSecret },
  };
  try {
    await runMigrate(complete, logger);
    const worker = await startWorker(complete, logger);
    const server = await startServer(complete, logger);
    // With keys of its own nobody else could make a token for it.
    const tokenFile = config.jwt === undefined ? await writeDevToken(dataDir, config, secrets) : undefined;
    logger.info({ url: server.url, tokenFile, temporalUi: foundations.temporalUi }, 'latchkey dev is up');
    return {
      async shutdown() {
        worker.shutdown();
        await Promise.all([server.shutdown(), worker.done]);
        await foundations.stop();
      },
    };
  } catch (error) {
    await foundations.stop();
    throw error;
  }
}
