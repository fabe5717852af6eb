import type { ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { WorkerConfig } from '../../src/config/load-config.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import { rpcResult, type ScriptedMcpServer, type SeenRequest } from '../support/scripted-mcp-server.ts';
import type { ScriptedServers } from '../support/scripted-servers.ts';
import { startTestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';

const SLOTS = 8;
const OF_A_USER = 2;
const OF_A_SERVER = 6;
const SLOW_CALLS = 12;
const ANSWER = rpcResult({ content: [{ type: 'text', text: 'ok' }] });

const SHARES = { maxCallsPerUser: OF_A_USER, maxCallsPerServer: OF_A_SERVER };
const NO_SHARES = { maxCallsPerUser: SLOTS, maxCallsPerServer: SLOTS };

const test = testInWorld({ withoutWorker: true });

describe(`a worker with ${SLOTS} slots`, { timeout: 180_000 }, () => {
  test(`makes others' calls while ${SLOW_CALLS} long ones of one user are under way or wait`, async ({
    world,
    scripted,
  }) => {
    await startWorker(world, SHARES);
    const { mcpServerId, held, server } = await slowServer(scripted);
    const slow = await startSlow(world, mcpServerId, () => 'ada');
    await vi.waitFor(() => expect(held.count()).toBe(OF_A_USER), { timeout: 30_000 });

    for (const other of ['bob', 'eve']) {
      const step = await startQuick(world, mcpServerId, other);
      await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    }

    expect(held.count()).toBe(OF_A_USER);
    held.letGo();
    await expectEachMadeOnce(world, slow, server, 2);
  });

  test('makes calls to other servers while calls of many users to a slow one use its whole share', async ({
    world,
    scripted,
  }) => {
    await startWorker(world, SHARES);
    const { mcpServerId, held, server } = await slowServer(scripted);
    const other = await scripted.register();
    const slow = await startSlow(world, mcpServerId, (n) => `user-${n}`);
    await vi.waitFor(() => expect(held.count()).toBe(OF_A_SERVER), { timeout: 30_000 });

    const step = await startQuick(world, other.mcpServerId, 'user-0');

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(held.count()).toBe(OF_A_SERVER);
    held.letGo();
    await expectEachMadeOnce(world, slow, server, 0);
  });

  test('has no slot for another user if one user may take all of them (negative control)', async ({
    world,
    scripted,
  }) => {
    await startWorker(world, NO_SHARES);
    const { mcpServerId, held, server } = await slowServer(scripted);
    const slow = await startSlow(world, mcpServerId, () => 'ada');
    await vi.waitFor(() => expect(held.count()).toBe(SLOTS), { timeout: 30_000 });

    const step = await startQuick(world, mcpServerId, 'bob');

    await untilQueued(world, step);
    expect(server.count('tools/call')).toBe(SLOTS);
    await expect(world.steps.get('bob', step.stepId)).resolves.toMatchObject({ status: 'running' });
    held.letGo();
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    await expectEachMadeOnce(world, slow, server, 1);
  });
});

async function startWorker(world: World, shares: Partial<WorkerConfig>): Promise<void> {
  const config = { ...world.config, maxConcurrentActivities: SLOTS, ...shares };
  const worker = await startTestWorker(config, world.temporal, world.services);
  onTestFinished(() => worker.stop());
}

/** Holds the answers to calls that say so, until it is told to let go. */
async function slowServer(scripted: ScriptedServers) {
  const { server, mcpServerId } = await scripted.register();
  const holding: [ServerResponse, SeenRequest][] = [];
  let open = false;
  server.on('tools/call', (response, request) => {
    const { slow } = request.params.arguments as { slow?: boolean };
    if (slow && !open) holding.push([response, request]);
    else ANSWER(response, request);
  });
  const letGo = () => {
    open = true;
    for (const [response, request] of holding.splice(0)) ANSWER(response, request);
  };
  onTestFinished(letGo);
  return { server, mcpServerId, held: { count: () => holding.length, letGo } };
}

function startSlow(world: World, mcpServerId: string, userOf: (n: number) => string): Promise<StepView[]> {
  const step = { mcpServerId, tool: 'echo', arguments: { slow: true }, timeouts: { call: '2m' } };
  return Promise.all(Array.from({ length: SLOW_CALLS }, (_, n) => world.steps.start(userOf(n), step)));
}

function startQuick(world: World, mcpServerId: string, user: string): Promise<StepView> {
  return world.steps.start(user, { mcpServerId, tool: 'echo', arguments: {} });
}

async function expectEachMadeOnce(
  world: World,
  slow: StepView[],
  server: ScriptedMcpServer,
  quick: number,
): Promise<void> {
  const results = await Promise.all(slow.map(world.steps.result));
  expect(results.map(({ status }) => status)).toEqual(Array(SLOW_CALLS).fill('success'));
  expect(server.count('tools/call')).toBe(SLOW_CALLS + quick);
}

/** Its call waits for a slot. */
async function untilQueued(world: World, { workflowId }: StepView): Promise<void> {
  const handle = world.temporal.client.workflow.getHandle(workflowId);
  const isQueued = async () => {
    const { raw } = await handle.describe();
    const names = raw.pendingActivities?.map(({ activityType, lastStartedTime }) => [
      activityType?.name,
      lastStartedTime ?? undefined,
    ]);
    expect(names).toEqual([['invokeTool', undefined]]);
  };
  await vi.waitFor(isQueued, { timeout: 30_000, interval: 100 });
}
