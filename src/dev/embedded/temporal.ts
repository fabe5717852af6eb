import { Connection } from '@temporalio/client';
import { assertPortFree, freePort } from './free-port.ts';
import { ServerEndedError, type ServerProcess, startServerProcess } from './server-process.ts';

const START_TIMEOUT_MS = 60_000;
const MAX_STARTS = 3;
const NAMESPACE = 'default';

/** The search attributes by which steps are listed. All are of type Keyword. */
const SEARCH_ATTRIBUTES = ['McpStepStatus', 'McpServerId', 'McpUserId'];

/**
 * The server has one connection to its file. With SQLite's default, a rollback journal, it waits for the disk several
 * times at each commit, and took twice as long to resume as many steps. A write-ahead log survives a kill of the server
 * just as well. If the machine loses its power, the last commits may be missing.
 *
 * @see https://www.sqlite.org/wal.html
 */
const DATA_FILE_PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];

const NO_LIMIT = 100_000;

/** @see https://docs.temporal.io/references/dynamic-configuration */
const DYNAMIC_CONFIG = {
  // Both are off by default on the server. Eager activities save a round trip per step. With fairness, one user's
  // thousand steps do not delay another user's step.
  'system.enableActivityEagerExecution': true,
  'matching.enableFairness': true,
  // The default limits are for shared clusters, and a load test on one machine would reach them.
  'frontend.rps': NO_LIMIT,
  'frontend.namespaceRPS': NO_LIMIT,
  'frontend.namespaceRPS.visibility': NO_LIMIT,
  'frontend.namespaceCount': NO_LIMIT,
  'frontend.persistenceMaxQPS': NO_LIMIT,
  'history.rps': NO_LIMIT,
  'history.persistenceMaxQPS': NO_LIMIT,
  'matching.rps': NO_LIMIT,
  'matching.persistenceMaxQPS': NO_LIMIT,
};

// By default, gRPC waits a second after the first refused connection, and longer after the next.
const QUICK_RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 25, 'grpc.max_reconnect_backoff_ms': 100 };

export interface TemporalOptions {
  /** The path of Temporal's CLI. */
  binary: string;
  /** The database file. If absent, executions are only kept in memory. */
  dataFile?: string;
  /** Default: a free port. */
  port?: number;
  /** The port of Temporal's web UI. If absent, there is none. */
  uiPort?: number;
  /** Names of Keyword attributes, in addition to Latchkey's. */
  searchAttributes?: string[];
  /** Settings of the server that extend or override Latchkey's. */
  dynamicConfig?: Record<string, boolean | number | string>;
  /** The server's log is appended to this file. */
  logFile?: string;
}

export interface EmbeddedTemporal {
  /** `127.0.0.1:<port>` */
  address: string;
  namespace: string;
  pid: number;
  uiUrl?: string;
  stop(): Promise<void>;
}

/**
 * Starts a Temporal dev server on 127.0.0.1 and resolves when its namespace and search attributes are available. The
 * server never outlives this process. If another process took a port that was picked for it, it is started again.
 *
 * @throws if the server does not start; the message has its last output
 */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  for (let start = 1; ; start++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // The server listens on several ports that were free a moment ago, and another process may have taken one.
      if (start === MAX_STARTS || !(error instanceof ServerEndedError && error.portInUse)) throw error;
    }
  }
}

async function startOnce(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const port = options.port ?? (await freePort());
  // Otherwise, the readiness check could reach another server on that port.
  await assertPortFree(port);
  const server = await startServerProcess({
    name: 'The Temporal dev server',
    command: options.binary,
    // By default, the server picks a port for its HTTP API that another process may take before the server uses it.
    args: startDevArguments({ port, httpPort: await freePort() }, options),
    ...(options.logFile !== undefined && { logFile: options.logFile }),
    // An orderly stop takes more than a second, which is unnecessary for data in memory.
    stopSignal: options.dataFile === undefined ? 'SIGKILL' : 'SIGTERM',
  });
  const address = `127.0.0.1:${port}`;
  await untilServing(server, address, searchAttributes(options));
  return {
    address,
    namespace: NAMESPACE,
    pid: server.pid,
    ...(options.uiPort !== undefined && { uiUrl: `http://127.0.0.1:${options.uiPort}` }),
    stop: () => server.stop(),
  };
}

function startDevArguments(
  { port, httpPort }: { port: number; httpPort: number },
  options: TemporalOptions,
): string[] {
  const dynamicConfig = Object.entries({ ...DYNAMIC_CONFIG, ...options.dynamicConfig });
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--http-port', String(httpPort)],
    ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
    ...(options.dataFile === undefined ? [] : dataFileArguments(options.dataFile)),
    ...dynamicConfig.flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
    ...searchAttributes(options).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

function dataFileArguments(dataFile: string): string[] {
  return ['--db-filename', dataFile, ...DATA_FILE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma])];
}

function searchAttributes(options: TemporalOptions): string[] {
  return [...SEARCH_ATTRIBUTES, ...(options.searchAttributes ?? [])];
}

async function untilServing(server: ServerProcess, address: string, attributes: string[]): Promise<void> {
  const connection = Connection.lazy({ address, channelArgs: QUICK_RECONNECT });
  try {
    await server.untilReady(() => checkNamespace(connection, attributes), START_TIMEOUT_MS);
  } catch (error) {
    await server.stop();
    throw error;
  } finally {
    await connection.close();
  }
}

async function checkNamespace(connection: Connection, attributes: string[]): Promise<void> {
  await connection.withDeadline(Date.now() + 1_000, async () => {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: NAMESPACE,
    });
    const missing = attributes.filter((name) => !(name in (customAttributes ?? {})));
    if (missing.length > 0) throw new Error(`search attributes not registered yet: ${missing.join(', ')}`);
  });
}
