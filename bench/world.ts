import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createLatchkey, type Latchkey } from '../src/client.ts';
import { formatKeys } from '../src/config/encryption-keys.ts';
import { loadConfig, Secret } from '../src/config/load-config.ts';
import { createPool, type Pool } from '../src/db/pool.ts';
import { startBackingServices } from '../src/dev/backing-services.ts';
import { apiOf } from '../src/dev/demo/api.ts';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../src/dev/embedded/authorization-server.ts';
import { freePort } from '../src/dev/embedded/free-port.ts';
import { type DemoMcpServer, startMcpServer } from '../src/dev/embedded/mcp-server.ts';
import { createLogger } from '../src/logging/logger.ts';
import { runMigrate } from '../src/operations/migrate.ts';
import { MCP_SERVER_ID, STEP_QUEUE, type Undo } from './names.ts';
import { createUsers, type Users } from './users.ts';
import { startApi, type Workers, workersOf } from './workers.ts';

/**
 * The default of Temporal's server. Temporal's CLI sets `true` for its dev server, which then reads the names of the
 * search attributes from its database at each use.
 *
 * @see https://docs.temporal.io/references/dynamic-configuration
 */
const SERVER_DEFAULTS = { 'system.forceSearchAttributesCacheRefreshOnRead': false };

/** Everything that is measured or needed for it. All of it is on this machine, and talks over loopback. */
export interface World extends Workers {
  folder: string;
  temporal: { address: string; namespace: string };
  /** The file in which the Temporal dev server keeps its executions. */
  temporalFile: string;
  client: Client;
  latchkey: Latchkey;
  pool: Pool;
  authorizationServer: AuthorizationServer;
  mcpServer: DemoMcpServer;
  users: Users;
  databaseUrl: string;
  /** Starts one more MCP server and registers it under this id. */
  addMcpServer(mcpServerId: string): Promise<DemoMcpServer>;
}

/**
 * Starts the backing services of `latchkey dev` with `SERVER_DEFAULTS`, an authorization server and an MCP server in
 * this process, and Latchkey's API as a process of its own. There are no workers yet.
 */
export async function startWorld(undo: Undo, profiles: string | undefined): Promise<World> {
  const folder = await makeFolder();
  const backing = await startBacking(folder, undo);
  const { temporal, environment, jwtSecret } = backing;
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const pool = createPool({ databaseUrl: environment.DATABASE_URL, size: 2, onIdleError: () => {} });
  undo.push(() => pool.end());
  const { authorizationServer, mcpServer } = await startCounterparties(undo);
  const api = await startApi({ environment, folder, jwtSecret, port: await freePort() });
  undo.push(api.stop);
  const register = (id: string, url: string) => registerServer(id, url, { url: api.url, jwtSecret });
  await register(MCP_SERVER_ID, mcpServer.url);
  return {
    folder,
    temporal,
    temporalFile: join(folder, 'temporal.db'),
    client,
    latchkey: createLatchkey({ client, taskQueue: STEP_QUEUE }),
    pool,
    databaseUrl: environment.DATABASE_URL,
    authorizationServer,
    mcpServer,
    async addMcpServer(mcpServerId) {
      const added = await startOAuthMcpServer(authorizationServer, undo);
      await register(mcpServerId, added.url);
      return added;
    },
    users: await createUsers({
      authorizationServer,
      resource: mcpServer.url,
      api: { url: api.url, jwtSecret },
    }),
    ...workersOf({ environment, temporal, folder, mcpUrl: mcpServer.url, profiles, undo }),
  };
}

async function startCounterparties(undo: Undo) {
  const authorizationServer = await startAuthorizationServer();
  undo.push(authorizationServer.stop);
  return { authorizationServer, mcpServer: await startOAuthMcpServer(authorizationServer, undo) };
}

async function startOAuthMcpServer(authorizationServer: AuthorizationServer, undo: Undo) {
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  undo.push(mcpServer.stop);
  return mcpServer;
}

async function registerServer(
  id: string,
  url: string,
  api: { url: string; jwtSecret: string },
): Promise<void> {
  const admin = await apiOf({ userId: 'operator', scope: 'latchkey:admin' }, api);
  await admin.request('PUT', `/mcp-servers/${id}`, { url, auth: { type: 'oauth2' } });
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  // Postgres may run as another user and must be able to enter the folder.
  await chmod(folder, 0o755);
  return folder;
}

async function startBacking(folder: string, undo: Undo) {
  const loaded = loadConfig('dev', {
    PATH: process.env.PATH,
    TEMPORAL_CLI_PATH: process.env.TEMPORAL_CLI_PATH,
  });
  if (!loaded.ok) throw new Error('the configuration of `latchkey dev` can not be read');
  const logger = createLogger({ level: 'silent' });
  // Never the configured servers: the figures are of these, and the benchmark fills them.
  const embedded = { ...loaded.config, databaseUrl: undefined, temporal: undefined };
  const services = await startBackingServices(embedded, folder, logger, { dynamicConfig: SERVER_DEFAULTS });
  undo.push(services.stop);
  const encryptionKeys = new Secret([{ id: 'bench', bytes: randomBytes(32) }]);
  await runMigrate(
    {
      ...services.config,
      taskQueue: STEP_QUEUE,
      databasePoolSize: 1,
      encryptionKeys,
      payloadKeys: undefined,
      logLevel: 'silent',
      metrics: undefined,
      traces: undefined,
      version: loaded.config.version,
    },
    logger,
  );
  const { address, namespace } = services.config.temporal;
  const environment = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: services.config.databaseUrl.reveal(),
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TASK_QUEUE: STEP_QUEUE,
    ENCRYPTION_KEYS: formatKeys(encryptionKeys.reveal()),
    NETWORK_POLICY: 'development',
  };
  return { temporal: { address, namespace }, environment, jwtSecret: randomBytes(32).toString('base64url') };
}
