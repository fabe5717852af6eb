import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DevConfig, Secret, type TemporalConfig } from './config.ts';
import { preferredPort } from './embedded/free-port.ts';
import { startPostgres } from './embedded/postgres.ts';
import { findTemporalCli, HOW_TO_INSTALL_TEMPORAL_CLI } from './embedded/server-binaries.ts';
import { startTemporal } from './embedded/temporal.ts';
import type { Logger } from './logger.ts';

/** The Postgres and Temporal that everything stands on: configured ones, or our own. */
export interface Foundations {
  config: { databaseUrl: Secret<string>; temporal: TemporalConfig };
  /** Temporal's own web page, where the dev server serves it. */
  temporalUi: string | undefined;
  /** Stops what was started here. */
  stop(): Promise<void>;
}

/** Starts what is not configured, with its data in `dataDir`, so that it is there again next time. */
export async function startFoundations(
  config: Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs'>,
  dataDir: string,
  logger: Logger,
): Promise<Foundations> {
  await mkdir(dataDir, { recursive: true });
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.map((stopOne) => stopOne()));
  };
  try {
    const databaseUrl = config.databaseUrl ?? (await ownPostgres(dataDir, stops, logger));
    const { temporal, temporalUi } = config.temporal
      ? { temporal: config.temporal, temporalUi: undefined }
      : await ownTemporal(config, dataDir, stops, logger);
    return { config: { databaseUrl, temporal }, temporalUi, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownPostgres(dataDir: string, stops: (() => Promise<void>)[], logger: Logger) {
  const logFile = join(dataDir, 'postgres.log');
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), logFile });
  stops.push(postgres.stop);
  logger.info({ logFile }, 'embedded Postgres is up');
  return new Secret(postgres.url);
}

async function ownTemporal(
  { programs }: Pick<DevConfig, 'programs'>,
  dataDir: string,
  stops: (() => Promise<void>)[],
  logger: Logger,
) {
  const cli = findTemporalCli(programs);
  if (cli.kind !== 'found') throw new Error(`There is no Temporal server. ${HOW_TO_INSTALL_TEMPORAL_CLI}`);
  const logFile = join(dataDir, 'temporal.log');
  const dataFile = join(dataDir, 'temporal.db');
  // Where Temporal's own tools and every example look first.
  const port = await preferredPort(7233);
  const uiPort = await preferredPort(8233);
  const { address, namespace, uiUrl, stop } = await startTemporal({
    binary: cli.path,
    port,
    dataFile,
    uiPort,
    logFile,
  });
  stops.push(stop);
  logger.info({ address, logFile }, 'embedded Temporal dev server is up');
  const temporal: TemporalConfig = { address, namespace, connection: new Secret({ address }) };
  return { temporal, temporalUi: uiUrl };
}
