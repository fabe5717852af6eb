import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';

const TRUSTED = 'trusted-ledger';
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const LIST = { tool: 'list_invoices', arguments: {} };

describe('a worker process', { timeout: 120_000 }, () => {
  // All in one: a dead worker is noticed only when its heartbeats have been missing for 30 s.
  test('that is killed during calls leaves unsafe ones waiting after one run and repeats safe ones', async (context) => {
    const world = await workerlessWorld(context);
    const worker = await startWorkerProcess(world.environment());
    context.onTestFinished(() => worker.kill());
    const held = {
      before: await startHeld(world, { held: 'hold-before-execution' }),
      writing: await startHeld(world, {}),
      writingAtTrusted: await startHeld(world, { mcpServerId: TRUSTED }),
      untrustedReading: await startHeld(world, LIST),
      trustedReading: await startHeld(world, { ...LIST, mcpServerId: TRUSTED }),
      unsafeReading: await startHeld(world, { ...LIST, mcpServerId: TRUSTED, sideEffects: 'unsafe' }),
      saidToRead: await startHeld(world, { ...LIST, sideEffects: 'read-only' }),
      saidToBeIdempotent: await startHeld(world, { sideEffects: 'idempotent' }),
    };

    await worker.kill('SIGKILL');
    await world.startWorker();

    for (const { step } of [held.trustedReading, held.saidToRead, held.saidToBeIdempotent]) {
      await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    }
    for (const { user } of [held.trustedReading, held.saidToRead, held.saidToBeIdempotent]) {
      const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
    }
    const { before, writing, writingAtTrusted, untrustedReading, unsafeReading } = held;
    for (const { user, step } of [before, writing, writingAtTrusted, untrustedReading, unsafeReading]) {
      const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
      expect(paused).toMatchObject(WAITS);
      expect(paused.timeline).toContainEqual(
        expect.objectContaining({ event: 'answer-lost', cause: 'worker-lost' }),
      );
      expect(world.mcpServer.requests({ user, rpcMethod: 'tools/call' })).toHaveLength(1);
    }
    // Nobody could know: the call that was held before it ran and the one held after look alike.
    expect(runsOf(world, before.user)).toBe(0);
    expect(runsOf(world, writing.user)).toBe(1);

    const { user, step } = writing;
    await world.steps.resolve(user, step.stepId, { action: 'retry' }, 'grace');
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([keys[0], keys[0]]);
  });
});

describe('a call whose answer was cut off', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
  });

  afterAll(() => world.stop());

  test('ends as its user says, and the timeline names the user', async () => {
    const result = { content: [{ type: 'text', text: 'I saw it' }] };
    const [retried, succeeded, failed] = [
      await startLost(world),
      await startLost(world),
      await startLost(world),
    ];

    await world.steps.resolve(retried.user, retried.step.stepId, { action: 'retry' }, 'grace');
    await world.steps.resolve(succeeded.user, succeeded.step.stepId, { action: 'succeed', result }, 'grace');
    await world.steps.resolve(failed.user, failed.step.stepId, { action: 'fail' }, 'grace');

    await expect(world.steps.result(retried.step)).resolves.toMatchObject({ status: 'success' });
    await expect(world.steps.result(succeeded.step)).resolves.toEqual({ status: 'success', result });
    await expect(world.steps.result(failed.step)).resolves.toMatchObject({
      error: { code: 'outcome-unknown' },
    });
    expect([retried, succeeded, failed].map(({ user }) => runsOf(world, user))).toEqual([2, 1, 1]);
    for (const { user, step } of [retried, succeeded, failed]) {
      const { timeline } = await world.steps.until(user, step.stepId, 'success', 'error');
      expect(timeline).toContainEqual(expect.objectContaining({ event: 'resolved', by: 'grace' }));
    }
  });

  test('ends as outcome-unknown at its deadline', async () => {
    const { user, step } = await startLost(world, { timeouts: { resolution: '100ms' } });

    await expect(world.steps.result(step)).resolves.toMatchObject({ error: { code: 'outcome-unknown' } });

    expect(runsOf(world, user)).toBe(1);
  });

  test('is repeated with the same idempotency key, which no other step has', async () => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = { sideEffects: 'idempotent', arguments: INVOICE } as const;
    const drop = { do: 'drop-after-execution' } as const;
    const lost = world.mcpServer.control.interceptTools(drop, { user });
    await world.steps.result(await world.steps.start(user, step));
    await lost.reached();
    await world.steps.result(await world.steps.start(user, step));

    const [first, again, other] = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);

    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(other).toEqual(expect.any(String));
  });

  test('keeps its idempotency key after its user had to reconnect', async () => {
    const { user, step } = await startLost(world);
    world.authorizationServer.control.revokeGrants(user);
    await world.steps.resolve(user, step.stepId, { action: 'retry' });
    await world.steps.until(user, step.stepId, 'awaiting-input');

    await world.users.connect(user);

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([keys[0], keys[0]]);
  });
});

async function workerlessWorld({ onTestFinished }: TestContext): Promise<World> {
  const world = await createWorld({ withoutWorker: true });
  onTestFinished(() => world.stop());
  const { url } = world.mcpServer;
  await world.register(TRUSTED, { url, auth: { type: 'oauth2' }, trustAnnotations: true });
  return world;
}

interface Held {
  user: string;
  step: StepView;
}

/** A step whose call the MCP server holds, when it has run by default. */
async function startHeld(
  world: World,
  {
    held = 'hold-after-execution',
    ...step
  }: Partial<McpStepInput> & { held?: 'hold-before-execution' | 'hold-after-execution' },
): Promise<Held> {
  const user = world.users.newUser();
  await world.users.connect(user, { ...(step.mcpServerId && { mcpServerId: step.mcpServerId }) });
  const hold = world.mcpServer.control.interceptTools({ do: held }, { user });
  const started = await world.steps.start(user, step);
  await hold.reached();
  return { user, step: started };
}

/** A step whose tool ran while its answer was cut off. */
async function startLost(world: World, change: Partial<McpStepInput> = {}) {
  const user = world.users.newUser();
  await world.users.connect(user);
  world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user });
  const step = await world.steps.start(user, change);
  await world.steps.until(user, step.stepId, 'awaiting-input', 'error');
  return { user, step };
}

function runsOf(world: World, user: string): number {
  return world.mcpServer.calls({ user }).length;
}
