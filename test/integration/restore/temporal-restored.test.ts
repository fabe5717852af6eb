import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StepView } from '../../../src/contracts/step.ts';
import { repairAfterTemporal } from '../../../src/repair/repair.ts';
import { createWorld, type World } from '../../support/world.ts';
import { type RestorableTemporal, startRestorableTemporal } from './temporal-backup.ts';

const UNTIL = { timeout: 60_000, interval: 100 };

describe('Temporal as it was before', { timeout: 240_000 }, () => {
  test('after the repair no call is made twice that must not be', async () => {
    const { world, paused, readOnly, scheduled } = await setBack();

    const { pool } = world.services;
    const repaired = await repairAfterTemporal({ pool, client: world.temporal.client });

    expect(repaired).toEqual({ openSteps: 3, waiters: 2, told: 3 });
    await resume(world);
    await world.until(paused.user, readOnly.stepId, 'success');
    expect(callsOf(world, paused.user, 'list_invoices')).toBe(2);
    for (const step of [paused, scheduled]) {
      expect(await world.until(step.user, step.stepId, 'awaiting-input')).toMatchObject({
        awaitingInputReason: 'outcome-unknown',
      });
      expect(callsOf(world, step.user, 'create_invoice')).toBe(1);
      await world.steps.resolve(step.user, step.stepId, { action: 'succeed' });
      await world.until(step.user, step.stepId, 'success');
    }
    // It concerns what was open at the restoration, and nothing that comes after it.
    const next = await world.start(scheduled.user, { sideEffects: 'unsafe' });
    await world.until(scheduled.user, next.stepId, 'success');
  });

  test('without the repair a call is made twice (negative control)', async () => {
    const { world, scheduled } = await setBack();

    await resume(world);

    await world.until(scheduled.user, scheduled.stepId, 'success');
    expect(callsOf(world, scheduled.user, 'create_invoice')).toBe(2);
  });
});

type OwnedStep = StepView & { user: string };

/** Three steps that have succeeded since the backup, and are open again. */
async function setBack() {
  const temporal = await startRestorableTemporal();
  const world = await createWorld({ withoutWorker: true, temporal });
  onTestFinished(() => world.stop());
  const [user, another] = [world.newUser(), world.newUser()];
  await world.connect(another);
  let worker = await world.startWorker();
  const paused = { ...(await world.start(user, { sideEffects: 'unsafe' })), user };
  const readOnly = {
    ...(await world.start(user, {
      tool: 'list_invoices',
      arguments: {},
      sideEffects: 'read-only',
    })),
    user,
  };
  for (const { stepId } of [paused, readOnly]) await world.until(user, stepId, 'awaiting-input');
  await worker.stop();
  const scheduled = await scheduledOnly(world, temporal, another);
  await temporal.backUp();

  worker = await world.startWorker();
  await world.connect(user);
  for (const step of [paused, readOnly, scheduled]) await world.until(step.user, step.stepId, 'success');
  await worker.stop();
  await temporal.restore();
  return { world, paused, readOnly, scheduled };
}

/** A step whose call waits for a worker that makes calls. */
async function scheduledOnly(world: World, temporal: RestorableTemporal, user: string): Promise<OwnedStep> {
  const worker = await world.startWorker({ withoutActivities: true });
  const step = { ...(await world.start(user, { sideEffects: 'unsafe' })), user };
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
