import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../src/dev/embedded/authorization-server.ts';
import { type DemoMcpServer, startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { type Fleet, type Post, startFleet } from './fleet.ts';
import { createGrantLedger, type GrantLedger } from './grant-ledger.ts';
import { startLatchkey } from './latchkey-process.ts';
import { createPersistentCaller, type PersistentCaller } from './persistent-caller.ts';
import type { Random } from './random.ts';
import {
  quietPort,
  type RestartableServer,
  startRestartablePostgres,
  startRestartableTemporal,
} from './restartable-servers.ts';
import { APIS, WORKERS } from './scenarios.ts';
import { startTokenGate, type TokenGate } from './token-gate.ts';
import { createUser, MCP_SERVER_ID, REDIRECT_URI, type User } from './user.ts';

/** What Latchkey stands on, its processes, and the counterparties that never fail: they are the witnesses. */
export interface ChaosWorld {
  postgres: RestartableServer;
  temporal: RestartableServer;
  authorizationServer: AuthorizationServer;
  gate: TokenGate;
  ledger: GrantLedger;
  mcpServer: DemoMcpServer;
  fleet: Fleet;
  caller: PersistentCaller;
  users: ReadonlyMap<string, User>;
  encryptionKey: Uint8Array;
  taskQueue: string;
  clientId: string;
  /** Where data and the logs of all processes are. */
  folder: string;
}

/** So short that every user's token is renewed several times a minute. */
const ACCESS_TOKEN_TTL_SECONDS = 8;

export type Undo = (() => Promise<unknown>)[];

/** @param undo what has been started, to be undone from its end, also where this throws */
export async function startChaosWorld(
  random: Random,
  userIds: readonly string[],
  undo: Undo,
): Promise<ChaosWorld> {
  const folder = await makeFolder();
  const postgres = await startRestartablePostgres(folder, await quietPort(random));
  undo.push(() => postgres.stop());
  const temporal = await startRestartableTemporal(folder, await quietPort(random));
  undo.push(() => temporal.stop());
  const counterparties = await startCounterparties(random, undo);
  const { authorizationServer, mcpServer, ledger, gate } = counterparties;
  const encryptionKey = randomBytes(32);
  const jwtSecret = randomBytes(32).toString('base64url');
  const taskQueue = 'chaos';
  const environment = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: postgres.address,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_TASK_QUEUE: taskQueue,
    ENCRYPTION_KEYS: `chaos:${encryptionKey.toString('base64')}`,
    JWT_SECRET: jwtSecret,
    NETWORK_POLICY: 'development',
  };
  await migrate(environment, folder);
  const { posts, urls } = await createPosts(random, environment);
  const fleet = startFleet(posts, folder);
  undo.push(() => fleet.end());
  await fleet.allReady();
  const caller = createPersistentCaller(urls, jwtSecret);
  await registerServer(caller, mcpServer.url);
  const { clientId } = await authorizationServer.registerClient({ redirectUris: [REDIRECT_URI] });
  const { tokenEndpoint } = gate;
  const userDeps = { authorizationServer, clientId, ledger, caller, resource: mcpServer.url, tokenEndpoint };
  const users = new Map(
    userIds.map((id) => [id, createUser(id, { ...userDeps, random: random.fork(id) })] as const),
  );
  await Promise.all([...users.values()].map((user) => user.connect()));
  return {
    ...counterparties,
    postgres,
    temporal,
    fleet,
    caller,
    users,
    encryptionKey,
    taskQueue,
    clientId,
    folder,
  };
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-chaos-'));
  // Postgres may run as another user than this process, and must get to its data below.
  await chmod(folder, 0o755);
  return folder;
}

async function startCounterparties(random: Random, undo: Undo) {
  const authorizationServer = await startAuthorizationServer({ accessTokenTtl: ACCESS_TOKEN_TTL_SECONDS });
  undo.push(authorizationServer.stop);
  const ledger = createGrantLedger();
  const gate = await startTokenGate(ledger, authorizationServer.tokenEndpoint, random.fork('token gate'));
  undo.push(gate.stop);
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  undo.push(mcpServer.stop);
  return { authorizationServer, ledger, gate, mcpServer };
}

async function migrate(environment: Record<string, string>, folder: string): Promise<void> {
  const logFile = join(folder, 'migrate.log');
  const migration = startLatchkey({
    name: 'migrate',
    role: 'migrate',
    environment,
    logFile,
    onLogLine: () => {},
  });
  const { code } = await migration.gone;
  if (code !== 0) throw new Error(`latchkey migrate failed; see ${logFile}`);
}

async function createPosts(random: Random, environment: Record<string, string>) {
  const ports = [await quietPort(random), await quietPort(random)];
  const workers = WORKERS.map((name): Post => ({ name, role: 'worker', environment }));
  const apis = APIS.map(
    (name, index): Post => ({
      name,
      role: 'server',
      environment: { ...environment, PORT: String(ports[index]) },
    }),
  );
  return { posts: [...workers, ...apis], urls: ports.map((port) => `http://127.0.0.1:${port}`) };
}

async function registerServer(caller: PersistentCaller, url: string): Promise<void> {
  const registration = { url, auth: { type: 'oauth2' } };
  const { status } = await caller.askAsAdmin(`PUT /mcp-servers/${MCP_SERVER_ID}`, registration);
  if (status >= 300) throw new Error(`the MCP server was not registered: ${status}`);
}
