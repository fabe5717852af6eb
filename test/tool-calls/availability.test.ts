import { describe, expect, vi } from 'vitest';
import type { TimelineEntry } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import { hang, httpStatus, type Reply, reset, rpcResult } from '../support/scripted-mcp-server.ts';
import type { TestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';
import { historyText } from './history-text.ts';

// What each failure counts as: docs/outcomes.md and its test. How the waits grow, and when they end:
// test/workflows/mcp-step-availability.test.ts.

const ok = rpcResult({ content: [] });

const test = testInWorld({ withoutWorker: true });
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  worker = await world.startWorker();
});

describe('a step whose server is away', () => {
  test('shows what it waits for and continues when the server is back', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await world.mcpServer.control.goOffline();
    const { stepId } = await world.steps.start(user);

    expect(await untilWaiting(world, user, stepId)).toMatchObject({
      cause: 'connect-refused',
      waitMs: expect.any(Number),
    });
    await world.mcpServer.control.goOnline();

    await world.steps.until(user, stepId, 'success');
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test.for([
    ['429', httpStatus(429, { 'retry-after': '10' }), 'rate-limited'],
    ['503', httpStatus(503, { 'retry-after': '10' }), 'unavailable'],
  ] as const)(
    'does not call before the time that a %s names, by a timer that outlives its worker',
    async ([_, reply, cause], { world, scripted }) => {
      const { server, mcpServerId } = await scripted.register();
      const times: number[] = [];
      server.on('tools/call', (response, request) => {
        times.push(Date.now());
        (times.length === 1 ? reply : ok)(response, request);
      });
      const user = world.users.newUser();
      const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo', sideEffects: 'unsafe' });
      expect(await untilWaiting(world, user, stepId)).toMatchObject({ cause, waitMs: 10_000 });

      await worker.stop();
      expect(times).toHaveLength(1);
      worker = await world.startWorker();

      const step = await world.steps.until(user, stepId, 'success');
      const [first = 0, second = 0] = times;
      expect(second - first).toBeGreaterThanOrEqual(9_900);
      expect(await historyText(world, step)).toContain('timerStartedEventAttributes');
    },
  );

  test.for<[string, string, Reply]>([
    ['is reset', 'reset', reset()],
    ['is answered with HTTP 500', 'server-error', httpStatus(500)],
  ])(
    'makes an unsafe call once although the request before it %s',
    async ([_, cause, reply], { world, scripted }) => {
      const { server, mcpServerId } = await scripted.register();
      server.once('initialize', reply);
      const user = world.users.newUser();
      const input = {
        mcpServerId,
        tool: 'echo',
        sideEffects: 'unsafe',
        timeouts: { call: '30s' },
      } as const;
      const { stepId } = await world.steps.start(user, input);

      const step = await world.steps.until(user, stepId, 'success');

      expect(step.timeline).toContainEqual(expect.objectContaining({ event: 'waiting-for-server', cause }));
      expect(server.count('tools/call')).toBe(1);
    },
  );

  test.for<[string, string, Reply]>([
    ['is reset', 'reset', reset()],
    ['hangs', 'timeout', hang()],
    ['is answered with HTTP 500', 'server-error', httpStatus(500)],
    [
      'is answered with HTTP 500 that speaks of a refused connection',
      'server-error',
      speakingOf('ECONNREFUSED'),
    ],
  ])('does not repeat an unsafe call that %s', async ([_, cause, reply], { world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', reply);
    const user = world.users.newUser();
    const input = {
      mcpServerId,
      tool: 'echo',
      sideEffects: 'unsafe',
      timeouts: { call: '3s' },
    } as const;
    const { stepId } = await world.steps.start(user, input);

    const step = await world.steps.until(user, stepId, 'awaiting-input');

    expect(step.awaitingInputReason).toBe('outcome-unknown');
    expect(step.timeline).toContainEqual(expect.objectContaining({ event: 'answer-lost', cause }));
    expect(server.count('tools/call')).toBe(1);
  });
});

test('a step waits while the database can’t be read, and goes on when it can', async ({
  world,
  scripted,
}) => {
  const { server, mcpServerId } = await scripted.register();
  await world.services.db.query('ALTER TABLE mcp_server RENAME TO mcp_server_elsewhere');
  const user = world.users.newUser();
  const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });

  const waiting = await untilWaiting(world, user, stepId);
  await world.services.db.query('ALTER TABLE mcp_server_elsewhere RENAME TO mcp_server');

  expect(waiting).toMatchObject({ cause: 'store-unavailable' });
  await world.steps.until(user, stepId, 'success');
  expect(server.count('tools/call')).toBe(1);
});

function speakingOf(text: string): Reply {
  return (response) => void response.writeHead(500, { 'content-type': 'text/plain' }).end(text);
}

/** Resolves to the entry of the step's first wait for its server, which may be over when a busy worker reports it. */
function untilWaiting(world: World, user: string, stepId: string): Promise<TimelineEntry> {
  return vi.waitFor(
    async () => {
      const { timeline } = await world.steps.reported(user, stepId);
      const entry = timeline.find(({ event }) => event === 'waiting-for-server');
      if (entry === undefined) throw new Error(JSON.stringify(timeline));
      return entry;
    },
    { timeout: 20_000 },
  );
}
