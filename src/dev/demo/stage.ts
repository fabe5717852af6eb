import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatKeys } from '../../config/encryption-keys.ts';
import { type DevConfig, type OperatorConfig, Secret } from '../../config/load-config.ts';
import { createLogger } from '../../logging/logger.ts';
import { runMigrate } from '../../operations/migrate.ts';
import { startBackingServices } from '../backing-services.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../embedded/authorization-server.ts';
import { freePort } from '../embedded/free-port.ts';
import { type DemoMcpServer, startMcpServer } from '../embedded/mcp-server.ts';
import { type Api, apiOf, tokenOf } from './api.ts';
import { type RoleProcess, startRole } from './role-process.ts';

export const USER = 'ada@example.com';
export const MCP_SERVER_ID = 'ledger';

/** Everything that the demo's story uses. */
export interface Stage {
  authorizationServer: AuthorizationServer;
  mcpServer: DemoMcpServer;
  temporal: { address: string; namespace: string; ui: string | undefined };
  payloadKeys: DevConfig['payloadKeys'];
  apiUrl: string;
  /** The API with Ada's token. */
  api: Api;
  /** The API with an admin's token. */
  admin: Api;
  /** The API with another user's token. */
  apiOf(userId: string): Promise<Api>;
  worker: RoleProcess;
  startWorker(): Promise<RoleProcess>;
  /** A file with an admin token of Ada, so that the token is not printed. */
  tokenFile: string;
  /** The folder of all processes' logs. */
  folder: string;
  stop(): Promise<void>;
}

export interface StageOptions {
  /** More environment variables of a process, asked for at each start. Default: none. */
  environmentOf?: (role: 'worker' | 'server') => Record<string, string>;
}

type DemoConfig = Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs' | 'payloadKeys'>;

/** What `stop` does, in reverse order. */
type Undo = (() => Promise<unknown>)[];

/**
 * Starts the backing services, an authorization server and an MCP server in this process, and Latchkey's worker and
 * API as processes of their own.
 */
export async function setStage(config: DemoConfig, options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-demo-'));
  // Postgres may run as another user and must be able to enter the folder.
  await chmod(folder, 0o755);
  const undo: Undo = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const undoOne of undo.reverse()) await undoOne();
  };
  try {
    return { ...(await build(config, folder, undo, options)), folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  config: DemoConfig,
  folder: string,
  undo: Undo,
  { environmentOf = () => ({}) }: StageOptions,
): Promise<Omit<Stage, 'stop' | 'folder'>> {
  const counterparties = await startCounterparties(undo);
  const latchkey = await prepareLatchkey(config, folder, undo);
  const start = async (role: 'worker' | 'server') => {
    const env = { ...latchkey.env, ...environmentOf(role) };
    const running = await startRole(role, env, join(folder, `${role}.log`));
    undo.push(running.stop);
    return running;
  };
  const startWorker = () => start('worker');
  await start('server');
  const { url, jwtSecret } = latchkey;
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, await tokenOf({ userId: USER, scope: 'latchkey:admin' }, jwtSecret), {
    mode: 0o600,
  });
  return {
    ...counterparties,
    temporal: latchkey.temporal,
    payloadKeys: config.payloadKeys,
    apiUrl: url,
    api: await apiOf({ userId: USER }, { url, jwtSecret }),
    admin: await apiOf({ userId: 'operator', scope: 'latchkey:admin' }, { url, jwtSecret }),
    apiOf: (userId) => apiOf({ userId }, { url, jwtSecret }),
    worker: await startWorker(),
    startWorker,
    tokenFile,
  };
}

/** Starts and migrates the backing services, and returns the environment of Latchkey's processes. */
async function prepareLatchkey(config: DemoConfig, folder: string, undo: Undo) {
  const logger = createLogger({ level: 'silent' });
  const services = await startBackingServices(config, folder, logger);
  undo.push(services.stop);
  const { payloadKeys } = config;
  const operatorConfig = {
    ...services.config,
    taskQueue: `demo-${randomBytes(4).toString('hex')}`,
    databasePoolSize: 1,
    encryptionKeys: new Secret([{ id: 'demo', bytes: randomBytes(32) }]),
    payloadKeys,
    logLevel: 'silent' as const,
    metrics: undefined,
    traces: undefined,
    version: 'demo',
  };
  await runMigrate(operatorConfig, logger);
  const port = await freePort();
  const jwtSecret = randomBytes(32).toString('base64url');
  const env = {
    ...environmentOf(operatorConfig),
    PATH: config.programs.PATH ?? '',
    JWT_SECRET: jwtSecret,
    NETWORK_POLICY: 'development',
    PORT: String(port),
    // There is no load balancer that has to notice the shutdown.
    DRAIN_DELAY_SECONDS: '0',
  };
  const { address, namespace } = services.config.temporal;
  return {
    env,
    url: `http://127.0.0.1:${port}`,
    jwtSecret,
    temporal: { address, namespace, ui: services.temporalUi },
  };
}

/** The environment variables that correspond to a configuration. */
function environmentOf({
  databaseUrl,
  temporal,
  taskQueue,
  encryptionKeys,
  payloadKeys,
}: OperatorConfig): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl.reveal(),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_TASK_QUEUE: taskQueue,
    ENCRYPTION_KEYS: formatKeys(encryptionKeys.reveal()),
    ...(payloadKeys && { PAYLOAD_KEYS: formatKeys(payloadKeys.reveal()) }),
  };
}

async function startCounterparties(undo: Undo) {
  const authorizationServer = await startAuthorizationServer();
  undo.push(authorizationServer.stop);
  const mcpServer = await startMcpServer({
    auth: { type: 'oauth2', authorizationServer },
    // With the first two, Latchkey learns whose account it is.
    initialScope: 'openid email mcp:tools',
  });
  undo.push(mcpServer.stop);
  return { authorizationServer, mcpServer };
}
