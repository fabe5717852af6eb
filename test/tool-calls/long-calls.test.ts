import { once } from 'node:events';
import { describe, expect, type TestContext, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import type { ToolAction } from '../../src/dev/embedded/demo-tool-calls.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { Reply } from '../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../support/world.ts';

const UNKNOWN = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const RESULT = { content: [{ type: 'text', text: 'reported' }] };

const test = testInWorld();

describe('a call that takes long', () => {
  test('leaves its progress in the timeline of its step', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const args = { durationMs: 60, steps: 3 };
    const { stepId } = await world.steps.start(user, { tool: 'slow_report', arguments: args });

    const { timeline } = await world.steps.until(user, stepId, 'success');

    expect(timeline.filter(({ event }) => event === 'progress')).toMatchObject([
      { progress: 1, total: 3, message: 'step 1 of 3' },
      { progress: 2, total: 3, message: 'step 2 of 3' },
      { progress: 3, total: 3, message: 'step 3 of 3' },
    ]);
    const times = timeline.map(({ at }) => at);
    expect(times.every((at) => new Date(at).toISOString() === at)).toBe(true);
  });

  test('keeps the first and the latest entries of many progress reports', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', reporting(500, 0));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });

    const { timeline } = await world.steps.until(user, stepId, 'success');

    const progress = timeline.filter(({ event }) => event === 'progress');
    expect(progress).toHaveLength(20);
    expect([progress[0], progress.at(-1)]).toMatchObject([{ progress: 1 }, { progress: 500 }]);
  });

  test('may take longer than `timeouts.call` as long as it reports progress', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', reporting(16, 500));
    const step = { mcpServerId, tool: 'echo', timeouts: { call: '6s' } };

    await expect(world.steps.result(await world.steps.start(world.users.newUser(), step))).resolves.toEqual({
      status: 'success',
      result: RESULT,
    });

    expect(server.count('notifications/cancelled')).toBe(0);
  });

  test('is given up after `timeouts.call` without progress, and the server is told', async ({
    world,
    scripted,
  }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', reporting(2, 50, { answer: false }));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, {
      mcpServerId,
      tool: 'echo',
      timeouts: { call: '3s' },
    });

    const step = await world.steps.until(user, stepId, 'awaiting-input');

    expect(step).toMatchObject(UNKNOWN);
    const call = await server.arrived('tools/call');
    expect((await server.arrived('notifications/cancelled')).params).toMatchObject({ requestId: call.id });
  });

  test('is cancelled at the server when its step is', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const args = { durationMs: 60_000, steps: 1 };
    const { stepId } = await world.steps.start(user, { tool: 'slow_report', arguments: args });
    await vi.waitFor(() => expect(world.mcpServer.calls({ user })).toHaveLength(1), { timeout: 30_000 });

    await world.steps.cancel(user, stepId);

    await world.steps.until(user, stepId, 'cancelled');
    expect(world.mcpServer.requests({ user, rpcMethod: 'notifications/cancelled' })).toHaveLength(1);
    await vi.waitFor(() => expect(world.mcpServer.calls({ user, outcome: 'cancelled' })).toHaveLength(1), {
      timeout: 20_000,
    });
  });
});

describe.concurrent('a worker that is told to stop in mid-call', { timeout: 120_000 }, () => {
  test('lets the call finish and then exits', async ({ onTestFinished }) => {
    const world = await workerlessWorld(onTestFinished);
    const worker = await startWorkerProcess(world.environment());
    onTestFinished(() => worker.kill());
    const { step, user, hold } = await startHeld(world, { do: 'hold-before-execution' });
    const exited = once(worker.child, 'exit');

    worker.child.kill('SIGTERM');
    await worker.logged('draining');
    hold.release();

    expect(await exited).toEqual([0, null]);
    await world.startWorker();
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('reports the outcome of a call that outlasts the grace time as unknown', async ({
    onTestFinished,
  }) => {
    const world = await workerlessWorld(onTestFinished);
    const worker = await world.startWorker();
    const { step, user } = await startHeld(world, { do: 'hold-after-execution' });

    await worker.stop();
    await world.startWorker();

    const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
    expect(paused).toMatchObject(UNKNOWN);
    expect(paused.timeline).toContainEqual(
      expect.objectContaining({ event: 'answer-lost', cause: 'cancelled' }),
    );
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(world.mcpServer.requests({ user, rpcMethod: 'notifications/cancelled' })).toHaveLength(1);
    expect(await activityFailures(world, step)).toEqual([]);
  });

  test('repeats a call that outlasts the grace time if it is safe to repeat', async ({ onTestFinished }) => {
    const world = await workerlessWorld(onTestFinished);
    const worker = await world.startWorker();
    const reading = { tool: 'list_invoices', arguments: {}, sideEffects: 'read-only' } as const;
    const { step, user } = await startHeld(world, { do: 'hold-after-execution' }, reading);

    await worker.stop();
    await world.startWorker();

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });
});

/** Reports progress that many times, with a pause before each, and then answers. */
function reporting(times: number, pauseMs: number, { answer = true } = {}): Reply {
  return (response, request) => {
    // The SDK puts its token there.
    const { progressToken } = request.params._meta as { progressToken: number };
    const write = (message: object) =>
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let progress = 0;
    const report = () => {
      progress += 1;
      write({ method: 'notifications/progress', params: { progressToken, progress } });
      if (progress < times) setTimeout(report, pauseMs);
      else if (answer)
        response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: RESULT })}\n\n`);
    };
    setTimeout(report, pauseMs);
  };
}

async function workerlessWorld(onTestFinished: TestContext['onTestFinished']): Promise<World> {
  const world = await createWorld({ withoutWorker: true });
  onTestFinished(() => world.stop());
  return world;
}

/** A step whose call the MCP server holds. */
async function startHeld(world: World, action: ToolAction, step: Partial<McpStepInput> = {}) {
  const user = world.users.newUser();
  await world.users.connect(user);
  const hold = world.mcpServer.control.interceptTools(action, { user });
  const started = await world.steps.start(user, step);
  await hold.reached();
  return { step: started, user, hold };
}

async function activityFailures(world: World, { workflowId }: StepView): Promise<unknown[]> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(
    (event) => event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes ?? [],
  );
}
