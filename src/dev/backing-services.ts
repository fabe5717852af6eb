import { join } from 'node:path';
import { type DevConfig, Secret, type TemporalConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { CannotRun } from '../process/cannot-run.ts';
import { preferredPort } from './embedded/free-port.ts';
import { startPostgres } from './embedded/postgres.ts';
import { closeDatabaseFile, makePrivateFolder } from './embedded/private-files.ts';
import { findTemporalCli, HOW_TO_INSTALL_TEMPORAL_CLI } from './embedded/server-binaries.ts';
import { startTemporal } from './embedded/temporal.ts';

/** The Postgres and Temporal that everything stands on: configured ones, or our own. */
export interface BackingServices {
  config: { databaseUrl: Secret<string>; temporal: TemporalConfig };
  /** Temporal's own web page, where the dev server serves it. */
  temporalUi: string | undefined;
  /** Stops what was started here. */
  stop(): Promise<void>;
}

/**
 * Starts what is not configured, with its data in `dataDir`, so that it is there again next time.
 *
 * @throws CannotRun where one of them does not start; the other is stopped then
 */
export async function startBackingServices(
  config: Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs'>,
  dataDir: string,
  logger: Logger,
): Promise<BackingServices> {
  await makePrivateFolder(dataDir);
  // Where it is missing, nothing is started that would have to be stopped again.
  if (config.temporal === undefined) temporalCli(config);
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

function temporalCli({ programs }: Pick<DevConfig, 'programs'>): string {
  const cli = findTemporalCli(programs);
  if (cli.kind === 'found') return cli.path;
  const why =
    cli.kind === 'misconfigured' ? `${cli.variable} names no program` : 'there is no Temporal server';
  throw new CannotRun(`${why}. ${HOW_TO_INSTALL_TEMPORAL_CLI}`);
}

async function ownPostgres(dataDir: string, stops: (() => Promise<void>)[], logger: Logger) {
  const logFile = join(dataDir, 'postgres.log');
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), logFile }).catch(
    notStarted('Postgres', 'DATABASE_URL', logFile),
  );
  stops.push(postgres.stop);
  logger.info({ logFile }, 'embedded Postgres is up');
  return new Secret(postgres.url);
}

async function ownTemporal(
  config: Pick<DevConfig, 'programs'>,
  dataDir: string,
  stops: (() => Promise<void>)[],
  logger: Logger,
) {
  const logFile = join(dataDir, 'temporal.log');
  const dataFile = join(dataDir, 'temporal.db');
  await closeDatabaseFile(dataFile);
  // Where Temporal's own tools and every example look first.
  const port = await preferredPort(7233);
  const uiPort = await preferredPort(8233);
  const { address, namespace, uiUrl, stop } = await startTemporal({
    binary: temporalCli(config),
    port,
    dataFile,
    uiPort,
    logFile,
  }).catch(notStarted('The Temporal dev server', 'TEMPORAL_ADDRESS', logFile));
  stops.push(stop);
  logger.info({ address, logFile }, 'embedded Temporal dev server is up');
  const temporal: TemporalConfig = { address, namespace, connection: new Secret({ address }) };
  return { temporal, temporalUi: uiUrl };
}

function notStarted(name: string, variable: string, logFile: string): (error: unknown) => never {
  return (cause) => {
    const why = cause instanceof Error ? ` (${cause.message.split('\n', 1)[0]})` : '';
    const what = `${name} did not start${why}: see ${logFile}, or set ${variable} to one that runs`;
    throw new CannotRun(what, { cause });
  };
}
