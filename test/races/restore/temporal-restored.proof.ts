import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StepView } from '../../../src/contracts/step.ts';
import { repairAfterTemporal } from '../../../src/operations/repair.ts';
import { createWorld, type World } from '../../support/world.ts';
import { type RestorableTemporal, startRestorableTemporal } from './temporal-backup.ts';

const UNTIL = { timeout: 60_000, interval: 100 };

describe('Temporal after a restoration', { timeout: 240_000 }, () => {
  test('makes no unsafe call twice after the repair', async () => {
    const { world, paused, readOnly, scheduled, forScope } = await setBack();

    const { pool } = world.services;
    const repaired = await repairAfterTemporal({ pool, client: world.temporal.client });

    expect(repaired).toEqual({ told: 4 });
    await resume(world);
    await world.steps.until(paused.user, readOnly.stepId, 'success');
    expect(callsOf(world, paused.user, 'list_invoices')).toBe(2);
    for (const step of [paused, scheduled]) {
      expect(await world.steps.until(step.user, step.stepId, 'awaiting-input')).toMatchObject({
        awaitingInputReason: 'outcome-unknown',
      });
      expect(callsOf(world, step.user, 'create_invoice')).toBe(1);
      await world.steps.resolve(step.user, step.stepId, { action: 'succeed' });
      await world.steps.until(step.user, step.stepId, 'success');
    }
    // In the lost time nothing has come of this one: it waits on, and wakes as it would have.
    expect(await world.steps.waiting(forScope.user)).toEqual([forScope.stepId]);
    expect(await world.steps.until(forScope.user, forScope.stepId, 'awaiting-input')).toMatchObject({
      awaitingInputReason: 'needs-oauth-scope',
    });
    await world.users.connect(forScope.user, { scope: forScope.requiredScopes?.join(' ') ?? '' });
    await world.steps.until(forScope.user, forScope.stepId, 'success');
    // It concerns what was open at the restoration, and nothing that comes after it.
    const next = await world.steps.start(scheduled.user, { sideEffects: 'unsafe' });
    await world.steps.until(scheduled.user, next.stepId, 'success');
  });

  test('makes a call twice without the repair (negative control)', async () => {
    const { world, scheduled } = await setBack();

    await resume(world);

    await world.steps.until(scheduled.user, scheduled.stepId, 'success');
    expect(callsOf(world, scheduled.user, 'create_invoice')).toBe(2);
  });
});

type OwnedStep = StepView & { user: string };

/** Three steps that have succeeded since the backup and are open again, and one that has only waited. */
async function setBack() {
  const temporal = await startRestorableTemporal();
  const world = await createWorld({ withoutWorker: true, temporal });
  onTestFinished(() => world.stop());
  const [user, another, third] = [world.users.newUser(), world.users.newUser(), world.users.newUser()];
  await world.users.connect(another);
  await world.users.connect(third, { scope: 'mcp:tools' });
  let worker = await world.startWorker();
  const paused = { ...(await world.steps.start(user, { sideEffects: 'unsafe' })), user };
  const readOnly = {
    ...(await world.steps.start(user, {
      tool: 'list_invoices',
      arguments: {},
      sideEffects: 'read-only',
    })),
    user,
  };
  for (const { stepId } of [paused, readOnly]) await world.steps.until(user, stepId, 'awaiting-input');
  const { stepId } = await world.steps.start(third, {
    tool: 'export_ledger',
    arguments: {},
    sideEffects: 'idempotent',
  });
  const forScope = { ...(await world.steps.until(third, stepId, 'awaiting-input')), user: third };
  await worker.stop();
  const scheduled = await scheduledOnly(world, temporal, another);
  // The repair lists what is open, and lists lag behind.
  const open = async () =>
    (await temporal.client.workflow.count("WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running'")).count;
  await expect.poll(open).toBe(4);
  await temporal.backUp();

  worker = await world.startWorker();
  await world.users.connect(user);
  for (const step of [paused, readOnly, scheduled])
    await world.steps.until(step.user, step.stepId, 'success');
  await worker.stop();
  await temporal.restore();
  return { world, paused, readOnly, scheduled, forScope };
}

/** A step whose call waits for a worker that makes calls. */
async function scheduledOnly(world: World, temporal: RestorableTemporal, user: string): Promise<OwnedStep> {
  const worker = await world.startWorker({ withoutActivities: true });
  const step = { ...(await world.steps.start(user, { sideEffects: 'unsafe' })), user };
  const { workflow } = temporal.client;
  await vi.waitFor(async () => {
    const { raw } = await workflow.getHandle(step.workflowId).describe();
    expect(raw.pendingActivities).toHaveLength(1);
  }, UNTIL);
  await worker.stop();
  return step;
}

async function resume(world: World): Promise<void> {
  await world.startWorker();
  const { taskQueue } = world.config;
  await world.temporal.client.workflow.execute('reconcile', {
    taskQueue,
    workflowId: 'reconcile-now',
    args: [],
  });
}

function callsOf(world: World, user: string, tool: string): number {
  return world.mcpServer.calls({ user, tool }).length;
}
