import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startWorkerProcess, type WorkerProcess } from './processes/start-worker-process.ts';

// A few minutes with `LATCHKEY_TEST_LONG=on`: how many the server takes of one run, and as many as a history holds.
// Fewer in every test run: more than a run of a step takes before it goes on in a new one.
const IS_LONG = process.env.LATCHKEY_TEST_LONG === 'on';
const LIVE = IS_LONG ? [10_000, 50_000] : [2_500];
// No more than the server takes by default: `signal-limit.proof.ts` has those that come after.
const WITHOUT_WORKER = IS_LONG ? [10_000] : [2_500];
const AT_ONCE = 50;
const MINUTES = 60_000;

let temporal: TestTemporal;
let world: World;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  // By default the server takes 10,000 signals of one run, and refuses those that come after.
  temporal = await startOwnTemporal({ 'history.maximumSignalsPerExecution': 60_000 });
  world = await createWorld({ temporal, withoutWorker: true });
});

afterAll(async () => {
  await worker?.kill();
  await world.stop();
});

test.each(LIVE)(
  '%d signals to a paused step hold up no other work',
  async (signals) => {
    worker = await startWorkerProcess(world.environment());
    const user = world.users.newUser();
    const step = await startPaused(user);
    const first = await runIdOf(step);

    await storm(step, signals);

    await expect.poll(() => runIdOf(step), { timeout: 5 * MINUTES }).not.toBe(first);
    await world.users.connect(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(worker.child.exitCode ?? worker.child.signalCode).toBeNull();
    await worker.kill('SIGTERM');
  },
  30 * MINUTES,
);

test.each(WITHOUT_WORKER)(
  '%d signals while no worker runs are handled by its first task',
  async (signals) => {
    const before = await startWorkerProcess(world.environment());
    const user = world.users.newUser();
    const step = await startPaused(user);
    const first = await runIdOf(step);
    await before.kill('SIGTERM');
    await storm(step, signals);

    worker = await startWorkerProcess(world.environment());

    await expect.poll(() => runIdOf(step), { timeout: 5 * MINUTES }).not.toBe(first);
    const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
    expect(paused).toMatchObject({ createdAt: step.createdAt, timeline: step.timeline });
    await world.users.connect(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(worker.child.exitCode ?? worker.child.signalCode).toBeNull();
    await worker.kill('SIGTERM');
  },
  30 * MINUTES,
);

async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function runIdOf({ workflowId }: StepView): Promise<string> {
  return (await temporal.client.workflow.getHandle(workflowId).describe()).runId;
}

/** As anybody in the namespace may send them. */
async function storm({ workflowId }: StepView, signals: number): Promise<void> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  const hint = { mcpServerId: world.mcpServerId, version: 0 };
  let sent = 0;
  const send = async () => {
    while (sent++ < signals) await handle.signal(credentialDeposited, hint);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
}
