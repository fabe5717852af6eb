import { Connection } from '@temporalio/client';
import { assertPortFree, freePort } from './free-port.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const READY_WITHIN_MS = 60_000;
const NAMESPACE = 'default';

/** What a step's executions are listed by; all Keyword. */
const SEARCH_ATTRIBUTES = ['McpStepStatus', 'McpServerId', 'McpUserId'];

const NO_LIMIT = 100_000;

/** @see https://docs.temporal.io/references/dynamic-configuration */
const DYNAMIC_CONFIG = {
  // Off by default on the server: eager activities save a round trip a step, fairness keeps one user's
  // thousand steps from delaying another's one.
  'system.enableActivityEagerExecution': true,
  'matching.enableFairness': true,
  // Limits made for shared clusters, which a load test on one machine would meet first.
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

// gRPC otherwise waits a second after the first refused connection, and longer after the next.
const QUICK_RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 25, 'grpc.max_reconnect_backoff_ms': 100 };

export interface TemporalOptions {
  /** Temporal's CLI. */
  binary: string;
  /** Where executions are kept; in memory only when absent. */
  dataFile?: string;
  /** Default: a free one. */
  port?: number;
  /** Serves Temporal's own UI there; none when absent. */
  uiPort?: number;
  /** Beside those that Latchkey uses: names of Keyword attributes. */
  searchAttributes?: string[];
  /** Further settings of the server, or others than Latchkey's own. */
  dynamicConfig?: Record<string, boolean | number | string>;
  /** The server's own log is appended there. */
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
 * Starts a Temporal dev server on 127.0.0.1 and resolves when its namespace and search attributes answer.
 * It ends with this process at the latest.
 *
 * @throws with the server's last output when it does not come up
 */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const port = options.port ?? (await freePort());
  // Another server on that port would answer in place of the one that then can't start.
  await assertPortFree(port);
  const server = await startServerProcess({
    name: 'The Temporal dev server',
    command: options.binary,
    // Left to itself the server picks a port for its HTTP API that another may take before it does.
    args: startDevArguments({ port, httpPort: await freePort() }, options),
    ...(options.logFile !== undefined && { logFile: options.logFile }),
    // An orderly stop takes more than a second, and nothing in memory is worth it.
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
    ...(options.dataFile === undefined ? [] : ['--db-filename', options.dataFile]),
    ...dynamicConfig.flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
    ...searchAttributes(options).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

function searchAttributes(options: TemporalOptions): string[] {
  return [...SEARCH_ATTRIBUTES, ...(options.searchAttributes ?? [])];
}

async function untilServing(server: ServerProcess, address: string, attributes: string[]): Promise<void> {
  const connection = Connection.lazy({ address, channelArgs: QUICK_RECONNECT });
  try {
    await server.untilReady(() => checkNamespace(connection, attributes), READY_WITHIN_MS);
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
