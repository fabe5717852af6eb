import { expect, onTestFinished, test, vi } from 'vitest';
import type { StepView } from '../../../src/contracts/step.ts';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import { repairAfterPostgres } from '../../../src/operations/repair.ts';
import { createTestNamespace } from '../../support/temporal.ts';
import { createWorld, type World } from '../../support/world.ts';
import { backUpDatabase } from './database-backup.ts';

test('after a restoration of Postgres and the repair, every step resumes at the next deposit', async () => {
  const world = await createWorld({ withoutWorker: true, namespace: await createTestNamespace() });
  onTestFinished(() => world.stop());
  const worker = await world.startWorker();
  const [unharmed, returning, late, gone, renewed] = await Promise.all(
    Array.from({ length: 5 }, () => world.users.newUser()),
  );
  if (!unharmed || !returning || !late || !gone || !renewed) throw new Error('there are five users');
  for (const user of [unharmed, returning, gone, renewed]) await world.users.connect(user);
  const before = await pausedStep(world, returning);
  const backup = await backUpDatabase(world.database.url);

  await world.users.connect(returning);
  await world.steps.until(returning, before.stepId, 'success');
  const after = await pausedStep(world, returning);
  await world.users.connect(late);
  const ofLate = await pausedStep(world, late);
  await disconnect(world, gone);
  world.authorizationServer.control.expireAccessTokens(renewed);
  await succeeds(world, renewed);
  await worker.stop();
  await backup.restore();
  // What is to be repaired: nobody knows any more that these wait.
  expect(await world.steps.waiting(returning)).not.toContain(after.stepId);
  expect(await world.steps.waiting(late)).toEqual([]);

  const repaired = await repairAfterPostgres({ pool: world.services.pool, client: world.temporal.client });

  expect(repaired).toEqual({ told: 2, raised: 4, disconnected: 1 });
  await world.startWorker();
  await succeeds(world, unharmed);
  for (const step of [after, ofLate]) {
    await vi.waitFor(
      async () => expect(await world.steps.waiting(userOf(step))).toContain(step.stepId),
      UNTIL,
    );
    const { resuming } = await world.users.connect(userOf(step));
    expect(resuming).toBeGreaterThan(0);
    await world.steps.until(userOf(step), step.stepId, 'success');
  }
  expect(await listConnections(world.services.db, gone)).toEqual([]);
  const toldHonestly = await pausedStep(world, renewed);
  expect(toldHonestly.connectionReason).toBe('refresh-outcome-lost');
  await world.users.connect(renewed);
  await world.steps.until(renewed, toldHonestly.stepId, 'success');
  for (const user of [returning, late, renewed]) expectNoCallTwice(world, user);
  expect(await world.services.db.query('SELECT FROM mcp_waiter')).toMatchObject({ rowCount: 0 });
}, 180_000);

test('after two restorations of Postgres, a step that waits for more scope still waits and resumes with it', async () => {
  const world = await createWorld({ withoutWorker: true, namespace: await createTestNamespace() });
  onTestFinished(() => world.stop());
  const user = world.users.newUser();
  await world.users.connect(user, { scope: 'mcp:tools' });
  const backup = await backUpDatabase(world.database.url);
  let worker = await world.startWorker();
  const { stepId } = await world.steps.start(user, { tool: 'export_ledger', arguments: {} });
  const step = await world.steps.until(user, stepId, 'awaiting-input');
  const { workflow } = world.temporal.client;
  const { taskQueue } = world.config;
  await worker.stop();
  // Nobody has looked at it yet, and there is nothing to see.
  const junk = await workflow.start('mcpStep', { taskQueue, workflowId: 'junk', args: [] });

  const versions: number[] = [];
  for (const _ of ['once', 'twice']) {
    await worker.stop();
    await backup.restore();
    await repairAfterPostgres({ pool: world.services.pool, client: world.temporal.client });
    versions.push(await versionOf(world, user));
    worker = await world.startWorker();
    await vi.waitFor(async () => expect(await world.steps.waiting(user)).toEqual([stepId]), UNTIL);
    expect((await world.steps.until(user, stepId, 'awaiting-input')).awaitingInputReason).toBe(
      'needs-oauth-scope',
    );
  }

  expect(versions[1]).toBeGreaterThan(versions[0] ?? Number.POSITIVE_INFINITY);
  await expect(junk.result()).resolves.toMatchObject({
    status: 'error',
    error: { code: 'invalid-arguments' },
  });
  const { resuming } = await world.users.connect(user, { scope: step.requiredScopes?.join(' ') ?? '' });
  expect(resuming).toBe(1);
  await world.steps.until(user, stepId, 'success');
}, 180_000);

test('after a restoration of Postgres without the repair, waiting steps are forgotten (negative control)', async () => {
  const world = await createWorld({ withoutWorker: true, namespace: await createTestNamespace() });
  onTestFinished(() => world.stop());
  await world.startWorker();
  const user = world.users.newUser();
  await world.users.connect(user);
  const backup = await backUpDatabase(world.database.url);
  await pausedStep(world, user);
  await backup.restore();

  expect(await world.users.connect(user)).toMatchObject({ resuming: 0 });
}, 120_000);

const UNTIL = { timeout: 60_000, interval: 100 };

async function versionOf(world: World, user: string): Promise<number> {
  const [connection] = await listConnections(world.services.db, user);
  return connection?.version ?? 0;
}

const users = new Map<string, string>();

function userOf({ stepId }: StepView): string {
  return users.get(stepId) ?? '';
}

/** A step whose user has withdrawn consent. */
async function pausedStep(world: World, user: string): Promise<StepView> {
  world.authorizationServer.control.revokeGrants(user);
  const { stepId } = await world.steps.start(user);
  users.set(stepId, user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function succeeds(world: World, user: string): Promise<void> {
  const { stepId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'success');
}

/** As the HTTP API does it. */
async function disconnect(world: World, userId: string): Promise<void> {
  await world.users.disconnect(userId);
  await world.services.workflows.startRevocation({ userId, mcpServerId: world.mcpServerId }, 2);
}

function expectNoCallTwice(world: World, user: string): void {
  const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
  expect(new Set(keys).size).toBe(keys.length);
}
