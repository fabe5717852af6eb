import { join } from 'node:path';
import { type DevConfig, Secret, type TemporalConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { CannotRun } from '../process/cannot-run.ts';
import { preferredPort } from './embedded/free-port.ts';
import { startPostgres } from './embedded/postgres.ts';
import { closeDatabaseFile, makePrivateFolder } from './embedded/private-files.ts';
import { findTemporalCli, HOW_TO_INSTALL_TEMPORAL_CLI } from './embedded/server-binaries.ts';
import { startTemporal, type TemporalOptions } from './embedded/temporal.ts';

/** Postgres and Temporal: the configured ones, or embedded ones. */
export interface BackingServices {
  config: { databaseUrl: Secret<string>; temporal: TemporalConfig };
  /** The address of Temporal's web UI. Undefined if Temporal is configured. */
  temporalUi: string | undefined;
  /** Stops the embedded services. */
  stop(): Promise<void>;
}

/** An embedded Temporal that differs from that of `latchkey dev`. */
export type TemporalSettings = Pick<TemporalOptions, 'dynamicConfig'>;

/**
 * Starts an embedded Postgres and Temporal if none is configured. Their data is in `dataDir` and is used again by
 * the next start.
 *
 * @throws CannotRun if one of them does not start, after stopping the other
 */
export async function startBackingServices(
  config: Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs'>,
  dataDir: string,
  logger: Logger,
  temporalSettings: TemporalSettings = {},
): Promise<BackingServices> {
  await makePrivateFolder(dataDir);
  // Checked first, so that Postgres is not started for nothing if the Temporal CLI is missing.
  if (config.temporal === undefined) temporalCli(config);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.map((stopOne) => stopOne()));
  };
  try {
    const databaseUrl = config.databaseUrl ?? (await startEmbeddedPostgres(dataDir, stops, logger));
    const { temporal, temporalUi } = config.temporal
      ? { temporal: config.temporal, temporalUi: undefined }
      : await startEmbeddedTemporal({ ...config, ...temporalSettings }, dataDir, stops, logger);
    return { config: { databaseUrl, temporal }, temporalUi, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function temporalCli({ programs }: Pick<DevConfig, 'programs'>): string {
  const cli = findTemporalCli(programs);
  if (cli.kind === 'found') return cli.path;
  const problem =
    cli.kind === 'misconfigured' ? `${cli.variable} names no program` : 'there is no Temporal server';
  throw new CannotRun(`${problem}. ${HOW_TO_INSTALL_TEMPORAL_CLI}`);
}

async function startEmbeddedPostgres(dataDir: string, stops: (() => Promise<void>)[], logger: Logger) {
  const logFile = join(dataDir, 'postgres.log');
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), logFile }).catch(
    notStarted('Postgres', 'DATABASE_URL', logFile),
  );
  stops.push(postgres.stop);
  logger.info({ logFile }, 'embedded Postgres is up');
  return new Secret(postgres.url);
}

async function startEmbeddedTemporal(
  { dynamicConfig = {}, ...config }: Pick<DevConfig, 'programs'> & TemporalSettings,
  dataDir: string,
  stops: (() => Promise<void>)[],
  logger: Logger,
) {
  const logFile = join(dataDir, 'temporal.log');
  const dataFile = join(dataDir, 'temporal.db');
  await closeDatabaseFile(dataFile);
  // The default ports of Temporal's tools and examples.
  const port = await preferredPort(7233);
  const uiPort = await preferredPort(8233);
  const { address, namespace, uiUrl, stop } = await startTemporal({
    binary: temporalCli(config),
    port,
    dataFile,
    uiPort,
    logFile,
    dynamicConfig,
  }).catch(notStarted('The Temporal dev server', 'TEMPORAL_ADDRESS', logFile));
  stops.push(stop);
  logger.info({ address, logFile }, 'embedded Temporal dev server is up');
  const temporal: TemporalConfig = { address, namespace, connection: new Secret({ address }) };
  return { temporal, temporalUi: uiUrl };
}

function notStarted(name: string, variable: string, logFile: string): (error: unknown) => never {
  return (cause) => {
    const reason = cause instanceof Error ? ` (${cause.message.split('\n', 1)[0]})` : '';
    const message = `${name} did not start${reason}: see ${logFile}, or set ${variable} to one that runs`;
    throw new CannotRun(message, { cause });
  };
}
