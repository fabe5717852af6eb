import { isGrpcServiceError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSignalStepsOfServer } from '../../src/activities/resume-server.ts';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { untilRunning } from '../support/running-steps.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startWorkerProcess, type WorkerProcess } from './processes/start-worker-process.ts';

// With `LATCHKEY_TEST_LONG=on` the server as it comes: it takes 10,000 signals of one run. Otherwise fewer.
const IS_LONG = process.env.LATCHKEY_TEST_LONG === 'on';
const TAKEN = IS_LONG ? 10_000 : 1_500;
const SENT = IS_LONG ? 50_000 : 3_000;
const AT_ONCE = 50;
const MINUTES = 60_000;

let temporal: TestTemporal;
let world: World;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  temporal = await startOwnTemporal(IS_LONG ? {} : { 'history.maximumSignalsPerExecution': TAKEN });
  world = await createWorld({ temporal, withoutWorker: true });
});

afterAll(async () => {
  await worker?.kill();
  await world.stop();
});

test(
  'a full step keeps no other step of a resumed server from being told, and is not tried again',
  async () => {
    const mcpServerId = 'resumed';
    await world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'none' } });
    const user = world.users.newUser();
    const full = await world.steps.start(user, { mcpServerId });
    const other = await world.steps.start(user, { mcpServerId });
    await storm(full.workflowId);
    await untilRunning(temporal.client, mcpServerId, 2);
    const before = await signalsOf(full.workflowId);

    const logger = createLogger({ level: 'silent' });
    const { db } = world.services;
    const signalSteps = createSignalStepsOfServer({ db, client: temporal.client, logger });
    const told = await new MockActivityEnvironment().run(signalSteps, { mcpServerId, resumption: 1 });

    expect(told).toBe(1);
    expect(await signalsOf(other.workflowId)).toBe(1);
    expect(await signalsOf(full.workflowId)).toBe(before);
    for (const { workflowId } of [full, other])
      await temporal.client.workflow.getHandle(workflowId).terminate();
  },
  30 * MINUTES,
);

test(
  'Temporal takes a limited number of signals while no worker runs, and the step handles them',
  async () => {
    const before = await startWorkerProcess(world.environment());
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    const step = await world.steps.until(user, stepId, 'awaiting-input');
    const handle = temporal.client.workflow.getHandle(step.workflowId);
    const { runId } = await handle.describe();
    await before.kill('SIGTERM');

    const sent = await storm(step.workflowId);

    // A few may be sent at once with the one that reaches the limit.
    expect(sent.taken).toBeGreaterThanOrEqual(TAKEN);
    expect(sent.taken).toBeLessThan(TAKEN + AT_ONCE);
    expect(sent.taken + sent.refusals.length).toBe(SENT);
    expect([...new Set(sent.refusals)]).toEqual(['exceeded workflow execution limit for signal events']);
    await expect(handle.describe()).resolves.toMatchObject({ runId, status: { name: 'RUNNING' } });

    // The deposit can't signal the run that is full: it is the step's next run that hears of it.
    await world.users.connect(user);
    worker = await startWorkerProcess(world.environment());
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(worker.child.exitCode ?? worker.child.signalCode).toBeNull();
  },
  30 * MINUTES,
);

async function signalsOf(workflowId: string): Promise<number> {
  const { events } = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}

/** As anybody in the namespace may send them. */
async function storm(workflowId: string): Promise<{ taken: number; refusals: string[] }> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  const hint = { mcpServerId: world.mcpServerId, version: 0 };
  const refusals: string[] = [];
  let sent = 0;
  const send = async () => {
    while (sent++ < SENT) await handle.signal(credentialDeposited, hint).catch(refused);
  };
  const refused = (error: unknown) => {
    if (!(error instanceof Error) || !isGrpcServiceError(error.cause ?? error)) throw error;
    refusals.push(detailsOf(error.cause ?? error));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  return { taken: SENT - refusals.length, refusals };
}

function detailsOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'details'));
}
