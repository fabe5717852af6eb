import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { resumeWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.stop());

describe('a resumption', () => {
  test('started many times at once, and again when it is over, signals every waiter once', async () => {
    const user = world.newUser();
    const steps = [await startPaused(user), await startPaused(user)];
    const version = await depositWithoutResumption(user);

    await Promise.all(Array.from({ length: 5 }, () => startResumption(user, version)));
    await Promise.all(steps.map(world.result));
    await startResumption(user, version);

    expect(await resultOfResumption(user, version)).toEqual({ signalled: 0 });
    for (const step of steps) expect(await signalsTo(step)).toBe(1);
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });

  test('drops a waiter whose workflow was terminated, and resumes the others', async () => {
    const user = world.newUser();
    const [gone, left] = [await startPaused(user), await startPaused(user)];
    await world.temporal.client.workflow.getHandle(gone.workflowId).terminate();
    expect(await world.waiting(user)).toHaveLength(2);

    await world.connect(user);

    await expect(world.result(left)).resolves.toMatchObject({ status: 'success' });
    await resultOfResumption(user, 1);
    expect(await world.waiting(user)).toEqual([]);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('leaves alone a step that has paused over the very deposit it is about', async () => {
    const user = world.newUser();
    const { version } = await world.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(user);

    await startResumption(user, version);

    expect(await resultOfResumption(user, version)).toEqual({ signalled: 0 });
    expect(await world.waiting(user)).toEqual([step.stepId]);
    expect(await signalsTo(step)).toBe(0);
    await world.connect(user);
    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
  });
});

describe('reconciliation', () => {
  test('starts the resumption that a deposit could not start', async () => {
    const user = world.newUser();
    const step = await startPaused(user);
    await depositWithoutResumption(user);

    await expect(reconcile()).resolves.toMatchObject({ resumptions: 1 });

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    await expect(reconcile()).resolves.toMatchObject({ resumptions: 0 });
  });

  test('wakes nobody whose user has not deposited since, or has disconnected', async () => {
    const user = world.newUser();
    const step = await startPaused(user);
    await expect(reconcile()).resolves.toMatchObject({ resumptions: 0 });

    await world.connect(user);
    await world.result(step);
    world.authorizationServer.control.revokeGrants(user);
    const next = await startPaused(user);
    await world.disconnect(user);

    await expect(reconcile()).resolves.toMatchObject({ resumptions: 0 });
    expect(await world.waiting(user)).toEqual([next.stepId]);
    expect(await signalsTo(next)).toBe(0);
  });
});

async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.start(user);
  return world.until(user, stepId, 'awaiting-input');
}

/** As if the process had died right after the commit. */
async function depositWithoutResumption(user: string): Promise<number> {
  const deps = { ...world.services, refuseAddress: () => undefined, startResumption: async () => {} };
  const outcome = await depositCredential(deps, user, await world.consent(user));
  if (outcome.kind !== 'stored') throw new Error(`the deposit was not stored: ${outcome.kind}`);
  return outcome.version;
}

function startResumption(userId: string, version: number): Promise<void> {
  return world.services.workflows.startResumption({ userId, mcpServerId: world.mcpServerId }, version);
}

function resultOfResumption(user: string, version: number): Promise<unknown> {
  const workflowId = resumeWorkflowId(user, world.mcpServerId, version);
  return world.temporal.client.workflow.getHandle(workflowId).result();
}

function reconcile(): Promise<unknown> {
  const { taskQueue } = world.config;
  const workflowId = `reconcile-${taskQueue}`;
  return world.temporal.client.workflow.execute('reconcile', { taskQueue, workflowId, args: [] });
}

async function signalsTo({ workflowId }: StepView): Promise<number> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}
