import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { createLatchkeyPlugin } from '../../src/worker-plugin.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { createWorld, type World } from '../support/world.ts';

const USERS = 12;
/** So many of one server's grants are renewed at once. */
const AT_ONCE = 4;
const WORKFLOWS = fileURLToPath(new URL('../../src/workflow.ts', import.meta.url));

/** A worker that can be told to end. */
interface Ending {
  /** Resolves when it has been told, and knows. */
  end(): Promise<void>;
  ended: Promise<unknown>;
}

describe('a worker that is told to stop while it renews idle grants', { timeout: 120_000 }, () => {
  test.each([
    ['a process', startProcess],
    ["a Worker of one's own", startOwnWorker],
  ])('%s finishes the renewals under way and leaves the others to the next worker', async (_, start) => {
    const world = await createWorld({ withoutWorker: true });
    onTestFinished(() => world.stop());
    await makeIdle(world);
    const held = world.authorizationServer.control.interceptTokenRequests(
      { do: 'hold-before-processing' },
      { times: AT_ONCE },
    );
    const worker = await start(world);
    const run = await startRun(world, 'first');
    await held.reached(AT_ONCE);

    await worker.end();
    held.release();

    await worker.ended;
    expect(renewed(world)).toEqual({ succeeded: AT_ONCE, failed: 0 });
    await world.startWorker();
    await run.result();
    const next = await startRun(world, 'next');
    await next.result();
    expect(renewed(world)).toEqual({ succeeded: USERS, failed: 0 });
  });
});

/** Grants that are due, all of one server. */
async function makeIdle(world: World): Promise<void> {
  const auth = { type: 'oauth2', idleLimit: '30 days' };
  await world.register(world.mcpServerId, { url: world.mcpServer.url, auth });
  for (let user = 0; user < USERS; user++) await world.users.connect(world.users.newUser());
  await world.services.db.query(`UPDATE mcp_credential SET grant_used_at = now() - interval '29 days'`);
}

function startRun(world: World, workflowId: string) {
  const { taskQueue } = world.config;
  return world.temporal.client.workflow.start('renewIdleGrants', {
    taskQueue,
    workflowId: `${taskQueue}-${workflowId}`,
    args: [],
  });
}

const renewed = (world: World) => world.authorizationServer.stats.tokenGrants('refresh_token');

async function startProcess(world: World): Promise<Ending> {
  const worker = await startWorkerProcess(world.environment());
  onTestFinished(() => worker.kill());
  const ended = once(worker.child, 'exit');
  return {
    ended,
    async end() {
      worker.child.kill('SIGTERM');
      await worker.logged('draining');
    },
  };
}

async function startOwnWorker(world: World): Promise<Ending> {
  const messages: unknown[] = [];
  const logger = createLogger({
    level: 'info',
    destination: { write: (line) => void messages.push(JSON.parse(line).msg) },
  });
  const { nativeConnection: connection, namespace } = world.temporal;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: world.config.taskQueue,
    workflowsPath: WORKFLOWS,
    plugins: [createLatchkeyPlugin({ environment: world.environment(), logger })],
  });
  const ended = worker.run();
  return {
    ended,
    async end() {
      worker.shutdown();
      await vi.waitFor(() => expect(messages).toContain('draining'), { timeout: 20_000, interval: 50 });
    },
  };
}
