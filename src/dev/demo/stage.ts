import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatKeys } from '../../config/encryption-keys.ts';
import { type DevConfig, Secret } from '../../config/load-config.ts';
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
export const REDIRECT_URI = 'http://127.0.0.1/callback';

/** Everything that the story plays on. */
export interface Stage {
  authorizationServer: AuthorizationServer;
  /** Ada's application, as the authorization server knows it. */
  oauthClientId: string;
  mcpServer: DemoMcpServer;
  temporal: { address: string; namespace: string; ui: string | undefined };
  payloadKeys: DevConfig['payloadKeys'];
  apiUrl: string;
  /** Ada. */
  api: Api;
  admin: Api;
  worker: RoleProcess;
  startWorker(): Promise<RoleProcess>;
  /** A file with a token of Ada's that is also an admin's: it has no place on a screen. */
  tokenFile: string;
  /** Every token that anybody was given here, to look for where none may be. */
  secrets: string[];
  /** Where the logs of all processes are. */
  folder: string;
  stop(): Promise<void>;
}

/** Starts the servers that Latchkey stands on and its counterparties here, its worker and API as processes. */
export async function setStage(
  config: Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs' | 'payloadKeys'>,
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-demo-'));
  // Postgres may run as another user than this process, and must get to its data below.
  await chmod(folder, 0o755);
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const undoOne of undo.reverse()) await undoOne();
  };
  try {
    return { ...(await build(config, folder, undo)), folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  config: Pick<DevConfig, 'databaseUrl' | 'temporal' | 'programs' | 'payloadKeys'>,
  folder: string,
  undo: (() => Promise<unknown>)[],
): Promise<Omit<Stage, 'stop' | 'folder'>> {
  const logger = createLogger({ level: 'silent' });
  const backingServices = await startBackingServices(config, folder, logger);
  undo.push(backingServices.stop);
  const { databaseUrl, temporal } = backingServices.config;
  const { payloadKeys } = config;
  const taskQueue = `demo-${randomBytes(4).toString('hex')}`;
  const encryptionKey = randomBytes(32);
  await runMigrate(
    {
      databaseUrl,
      temporal,
      taskQueue,
      databasePoolSize: 1,
      encryptionKeys: new Secret([{ id: 'demo', bytes: encryptionKey }]),
      payloadKeys,
      logLevel: 'silent',
      version: 'demo',
    },
    logger,
  );
  const authorizationServer = await startAuthorizationServer();
  undo.push(authorizationServer.stop);
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  undo.push(mcpServer.stop);
  const { clientId } = await authorizationServer.registerClient({ redirectUris: [REDIRECT_URI] });
  const port = await freePort();
  const jwtSecret = randomBytes(32).toString('base64url');
  const env = {
    PATH: config.programs.PATH ?? '',
    DATABASE_URL: databaseUrl.reveal(),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_TASK_QUEUE: taskQueue,
    ENCRYPTION_KEYS: `demo:${encryptionKey.toString('base64')}`,
    ...(payloadKeys && { PAYLOAD_KEYS: formatKeys(payloadKeys.reveal()) }),
    JWT_SECRET: jwtSecret,
    NETWORK_POLICY: 'development',
    PORT: String(port),
    // Nobody balances load here.
    DRAIN_DELAY_SECONDS: '0',
  };
  const startWorker = async () => {
    const worker = await startRole('worker', env, join(folder, 'worker.log'));
    undo.push(worker.stop);
    return worker;
  };
  const server = await startRole('server', env, join(folder, 'server.log'));
  undo.push(server.stop);
  const at = { url: `http://127.0.0.1:${port}`, jwtSecret };
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, await tokenOf({ userId: USER, scope: 'latchkey:admin' }, jwtSecret), {
    mode: 0o600,
  });
  return {
    authorizationServer,
    oauthClientId: clientId,
    mcpServer,
    temporal: { address: temporal.address, namespace: temporal.namespace, ui: backingServices.temporalUi },
    payloadKeys,
    apiUrl: at.url,
    api: await apiOf({ userId: USER }, at),
    admin: await apiOf({ userId: 'operator', scope: 'latchkey:admin' }, at),
    worker: await startWorker(),
    startWorker,
    tokenFile,
    secrets: [],
  };
}
