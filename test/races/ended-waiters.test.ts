import { describe, expect, onTestFinished, vi } from 'vitest';
import { removeEndedWaiters } from '../../src/activities/waiters.ts';
import { forgetEndedWaiters } from '../../src/credentials/waiters/forget-ended-waiters.ts';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const DAYS = 7;

const test = testInWorld();

const reconcile = (world: World) =>
  world.temporal.client.workflow.execute('reconcile', {
    taskQueue: world.config.taskQueue,
    workflowId: `reconcile-${world.config.taskQueue}`,
    args: [],
  });

const silentFor = (world: World, days: number) =>
  world.services.db.query('UPDATE mcp_step_waiter SET alive_at = now() - make_interval(days => $1)', [days]);

async function startPaused(world: World, user: string): Promise<string> {
  const { stepId, workflowId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'awaiting-input');
  return workflowId;
}

const terminate = (world: World, workflowId: string) =>
  world.temporal.client.workflow.getHandle(workflowId).terminate();

describe('a waiter', () => {
  test('whose step was terminated is deleted after a week, and one that still waits is kept', async ({
    world,
  }) => {
    const [user, patient] = [world.users.newUser(), world.users.newUser()];
    await terminate(world, await startPaused(world, user));
    await startPaused(world, patient);
    await silentFor(world, DAYS - 1);
    await reconcile(world);
    expect(await world.steps.waiting(user)).toHaveLength(1);

    await silentFor(world, DAYS + 1);
    await reconcile(world);

    expect(await world.steps.waiting(user)).toEqual([]);
    const [stepId = ''] = await world.steps.waiting(patient);
    await world.users.connect(patient);
    await world.steps.until(patient, stepId, 'success');
  });

  test('of a workflow that Temporal has forgotten is deleted too', async ({ world }) => {
    const user = world.users.newUser();
    const key = { userId: user, mcpServerId: world.mcpServerId };
    await registerWaiter(world.services.db, {
      ...key,
      workflowId: `step/${user}/gone`,
      stepId: 'gone',
      seenVersion: 0,
    });
    await silentFor(world, DAYS + 1);

    await reconcile(world);

    expect(await world.steps.waiting(user)).toEqual([]);
  });

  test('whose workflow was found running is not checked again for a week', async ({ world }) => {
    const user = world.users.newUser();
    await startPaused(world, user);
    await silentFor(world, DAYS + 1);
    const describing = vi.spyOn(world.temporal.client.workflowService, 'describeWorkflowExecution');

    await removeEndedWaiters(world.services, DAYS);
    const asked = describing.mock.calls.length;
    await removeEndedWaiters(world.services, DAYS);

    expect(asked).toBeGreaterThan(0);
    expect(describing).toHaveBeenCalledTimes(asked);
    expect(await world.steps.waiting(user)).toHaveLength(1);
  });

  test('is kept while Temporal does not answer', async ({ world }) => {
    const user = world.users.newUser();
    await terminate(world, await startPaused(world, user));
    await silentFor(world, DAYS + 1);
    const describing = vi.spyOn(world.temporal.client.workflowService, 'describeWorkflowExecution');
    describing.mockRejectedValue(
      Object.assign(new Error('unavailable'), { code: 14, details: '', metadata: {} }),
    );

    await expect(removeEndedWaiters(world.services, DAYS)).resolves.toBe(0);

    describing.mockRestore();
    expect(await world.steps.waiting(user)).toHaveLength(1);
  });

  test('that registers again between the check and the deletion is kept', async ({ world }) => {
    const user = world.users.newUser();
    const workflowId = await startPaused(world, user);
    await terminate(world, workflowId);
    const key = { userId: user, mcpServerId: world.mcpServerId };
    await silentFor(world, DAYS + 1);
    const { db } = world.services;
    const overtaken = {
      async query(text: string, values: unknown[]) {
        if (text.includes('DELETE FROM mcp_step_waiter')) {
          await registerWaiter(db, { ...key, workflowId, stepId: 'again', seenVersion: 0 });
        }
        return db.query(text, values);
      },
    };

    // The cast leaves out the overloads of `query` that this project does not use.
    await removeEndedWaiters({ ...world.services, db: overtaken as typeof db }, DAYS);

    expect(await world.steps.waiting(user)).toEqual(['again']);
  });
});

describe('the many waiters of one user', () => {
  const nameOf = (n: number) => `s${String(n).padStart(3, '0')}`;

  /** Waiters of workflows that Temporal does not know, the first without a sign of life for longest. */
  async function registerMany(world: World, user: string, count: number): Promise<void> {
    const key = { userId: user, mcpServerId: world.mcpServerId };
    for (let n = 0; n < count; n++) {
      const workflowId = `step/${user}/${nameOf(n)}`;
      await registerWaiter(world.services.db, { ...key, workflowId, stepId: nameOf(n), seenVersion: 0 });
    }
  }

  test('go when their steps have ended, all at once, and those that still wait stay', async ({ world }) => {
    const user = world.users.newUser();
    await startPaused(world, user);
    await registerMany(world, user, 250);
    const waiting = await world.steps.waiting(user);
    const live = waiting.filter((stepId) => !/^s\d{3}$/.test(stepId));

    await forgetEndedWaiters(world.services, user, 30_000);

    expect([waiting.length, live.length]).toEqual([251, 1]);
    expect(await world.steps.waiting(user)).toEqual(live);
  });

  test('are asked about one by one only where Temporal does not list them as running', async ({ world }) => {
    const user = world.users.newUser();
    await Promise.all(Array.from({ length: 25 }, () => startPaused(world, user)));
    await registerMany(world, user, 1);
    // Its id can't stand in the query.
    const quoted = `it's ${user}`;
    const key = { userId: user, mcpServerId: world.mcpServerId };
    await registerWaiter(world.services.db, { ...key, workflowId: quoted, stepId: 'quoted', seenVersion: 0 });
    const { workflow, workflowService } = world.temporal.client;
    const running = `WorkflowId STARTS_WITH 'step/${user}/' AND ExecutionStatus = 'Running'`;
    await expect.poll(async () => (await workflow.count(running)).count).toBe(25);
    const describing = vi.spyOn(workflowService, 'describeWorkflowExecution');
    onTestFinished(() => describing.mockRestore());

    await forgetEndedWaiters(world.services, user, 30_000);

    const asked = describing.mock.calls.map(([{ execution }]) => execution?.workflowId);
    expect(asked).toEqual([`step/${user}/${nameOf(0)}`, quoted]);
    expect(await world.steps.waiting(user)).toHaveLength(25);
  });

  test.for([
    ['refused', 3],
    ['throttled', 8],
  ] as const)('are asked about one by one where the list is %s', async ([, code], { world }) => {
    const user = world.users.newUser();
    await startPaused(world, user);
    await registerMany(world, user, 25);
    const failure = Object.assign(new Error('no list'), { code, details: '', metadata: {} });
    const listing = vi.spyOn(world.temporal.client.workflowService, 'listWorkflowExecutions');
    onTestFinished(() => listing.mockRestore());
    listing.mockRejectedValue(failure);

    await forgetEndedWaiters(world.services, user, 30_000);

    expect(listing).toHaveBeenCalled();
    expect(await world.steps.waiting(user)).toHaveLength(1);
  });

  test('are asked about in turn where one call has not the time for all', async ({ world }) => {
    const user = world.users.newUser();
    await registerMany(world, user, 120);
    const { workflowService, options } = world.temporal.client;
    const execution = { workflowId: await startPaused(world, world.users.newUser()) };
    const ofPaused = await workflowService.describeWorkflowExecution({
      namespace: options.namespace,
      execution,
    });
    const asked: unknown[] = [];
    // Says of the first hundred that they are open, and nothing of the others.
    const describing = vi.spyOn(workflowService, 'describeWorkflowExecution');
    describing.mockImplementation((request) => {
      asked.push(request.execution?.workflowId);
      return asked.length <= 100 ? Promise.resolve(ofPaused) : new Promise(() => {});
    });
    await forgetEndedWaiters(world.services, user, 2_000);
    asked.length = 0;

    await forgetEndedWaiters(world.services, user, 2_000);

    describing.mockRestore();
    const notYetAsked = Array.from({ length: 20 }, (_, n) => `step/${user}/${nameOf(100 + n)}`);
    expect(asked.slice(0, 20)).toEqual(notYetAsked);
    expect(await world.steps.waiting(user)).toHaveLength(120);
  });
});
