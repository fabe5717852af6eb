import { type DemoMcpServer, startMcpServer } from '../../../src/dev/embedded/mcp-server.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { runLatchkey, type TypescriptProcess } from '../../support/child-process.ts';
import { createWorld, type World } from '../../support/world.ts';
import { createWorldUsers } from '../../support/world-users.ts';
import { type ModelServer, startModelServer } from './model-server.ts';

/**
 * What an agent works with: two MCP servers with OAuth, a scripted model, and Latchkey's HTTP API. Latchkey's workers
 * are processes, so that a test can kill them; none runs before `startWorker`.
 */
export interface AgentWorld {
  world: World;
  api: TestApi;
  models: ModelServer;
  /** Registered as `ledger` and `mail`. Both have the same tools, so their names collide. */
  servers: { ledger: DemoMcpServer; mail: DemoMcpServer };
  /** The user gives consent at the authorization server, and the grant is deposited. */
  connect(userId: string, mcpServerId: 'ledger' | 'mail'): Promise<void>;
  /** A `latchkey worker`. Resolves when it is ready. */
  startWorker(): Promise<TypescriptProcess>;
  /** What an agent's process finds in its environment. */
  environment: Record<string, string>;
  /** Ends everything, and the workers that are left. */
  stop(): Promise<void>;
}

export async function createAgentWorld(): Promise<AgentWorld> {
  // The agents' own processes encrypt nothing.
  const world = await createWorld({ withoutWorker: true, payloadKeys: 'none' });
  const mail = await startMcpServer({
    auth: { type: 'oauth2', authorizationServer: world.authorizationServer },
  });
  await world.register('mail', { url: mail.url, auth: { type: 'oauth2' } });
  const users = { ledger: world.users, mail: await usersOf(world, mail) };
  const [api, models] = await Promise.all([startTestApi(world), startModelServer()]);
  const workers: TypescriptProcess[] = [];
  return {
    world,
    api,
    models,
    servers: { ledger: world.mcpServer, mail },
    async connect(userId, mcpServerId) {
      await users[mcpServerId].connect(userId);
    },
    async startWorker() {
      const worker = runLatchkey({ ...world.environment(), LOG_LEVEL: 'info' }, 'worker');
      workers.push(worker);
      await readyLine(worker);
      return worker;
    },
    environment: {
      TEMPORAL_ADDRESS: world.temporal.address,
      TEMPORAL_NAMESPACE: world.temporal.namespace,
      LATCHKEY_TASK_QUEUE: world.config.taskQueue,
      ...models.environment,
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await Promise.all([api.stop(), models.stop(), mail.stop()]);
      await world.stop();
    },
  };
}

function usersOf(world: World, { url }: DemoMcpServer) {
  return createWorldUsers(world.services, {
    authorizationServer: world.authorizationServer,
    resource: url,
    mcpServerId: 'mail',
    confidentialClient: false,
  });
}

async function readyLine(worker: TypescriptProcess): Promise<void> {
  while (!(await worker.nextLine()).includes('"msg":"ready"'));
}
