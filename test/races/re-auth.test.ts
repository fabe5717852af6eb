import { WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, vi } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { resumeWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { listUserTools } from '../../src/tools/list-user-tools.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const REFUSAL = { do: 'answer', status: 401 } as const;

const test = testInWorld();

/** Ways for a user to be needed; each answers what to do so that a deposit helps. */
const NEEDS: {
  need: string;
  reason: string;
  arrange: (world: World, user: string) => Promise<() => void>;
}[] = [
  { need: 'has never connected', reason: 'not-connected', arrange: async () => () => {} },
  {
    need: 'has withdrawn consent',
    reason: 'invalid-grant',
    async arrange(world, user) {
      await world.users.connect(user);
      world.authorizationServer.control.revokeGrants(user);
      return () => {};
    },
  },
  {
    need: 'has a token that is refused however new it is',
    reason: 'token-rejected',
    async arrange(world, user) {
      await world.users.connect(user);
      return world.mcpServer.control.interceptRequests(REFUSAL, { user, times: Infinity }).release;
    },
  },
];

describe.each(NEEDS)('steps whose user $need', ({ reason, arrange }) => {
  test('pause until one deposit resumes them all, and each calls its tool once', async ({ world }) => {
    const user = world.users.newUser();
    const mend = await arrange(world, user);
    const steps = await Promise.all(customers(4).map((customer) => startInvoice(world, user, customer)));

    const paused = await Promise.all(steps.map(({ stepId }) => untilPaused(world, user, stepId)));
    mend();
    const { resuming } = await world.users.connect(user);
    const results = await Promise.all(steps.map(world.steps.result));

    expect(paused.map((step) => step.connectionReason)).toEqual(Array(4).fill(reason));
    expect(resuming).toBe(4);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('success'));
    expect(customersInvoiced(world, user)).toEqual(customers(4));
    expect(await world.steps.waiting(user)).toEqual([]);
  });
});

describe('a token that was just renewed but is used only after it ran out', () => {
  test('is renewed once more when it is refused, without asking the user', async ({ world }) => {
    const user = await userWithTokenOutOfTime(world);
    world.mcpServer.control.interceptRequests(REFUSAL, { user });

    const { stepId } = await startInvoice(world, user, 'ACME');

    const step = await world.steps.until(user, stepId, 'success', 'awaiting-input');
    expect(step.timeline.map(({ event }) => event)).toEqual([
      'started',
      'token-renewed',
      'waiting-for-server',
      'token-renewed',
      'finished',
    ]);
    expect(customersInvoiced(world, user)).toEqual(['ACME']);
  });

  test('does not require the user when tools are listed', async ({ world }) => {
    const user = await userWithTokenOutOfTime(world);
    const key = { userId: user, mcpServerId: world.mcpServerId };
    world.mcpServer.control.interceptRequests(REFUSAL, { user });

    await expect(listUserTools(world.services, key)).resolves.toEqual({ kind: 'token-endpoint-unavailable' });

    await expect(listUserTools(world.services, key)).resolves.toMatchObject({ kind: 'listed' });
  });
});

describe('a paused step', () => {
  test('survives two deposits in a row and calls its tool once', async ({ world }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);
    const consents = [await world.users.consent(user), await world.users.consent(user)];

    for (const consent of consents) await world.users.deposit(user, consent);

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('survives two deposits at once and calls its tool once', async ({ world }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);
    const consents = [await world.users.consent(user), await world.users.consent(user)];

    const stored = await Promise.all(consents.map((consent) => world.users.deposit(user, consent)));

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(stored.map(({ version }) => version).sort()).toEqual([1, 2]);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('stays paused when its user disconnects, and resumes at the deposit after that', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(world, user);

    await world.users.disconnect(user);
    const later = await startPaused(world, user);
    expect(later.connectionReason).toBe('not-connected');
    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'awaiting-input' });

    expect(await world.users.connect(user)).toMatchObject({ version: 3, resuming: 2 });
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    await expect(world.steps.result(later)).resolves.toMatchObject({ status: 'success' });
  });

  test("is not woken by another user's deposit for the same server", async ({ world }) => {
    const [user, other] = [world.users.newUser(), world.users.newUser()];
    const step = await startPaused(world, user);
    const before = await historyLength(world, step);

    expect(await world.users.connect(other)).toMatchObject({ resuming: 0 });

    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
    expect(await historyLength(world, step)).toBe(before);
    await world.users.connect(user);
    await world.steps.result(step);
  });

  test('looks once after a forged signal, pauses again, and resumes at the real deposit', async ({
    world,
  }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);

    await world.temporal.client.workflow
      .getHandle(step.workflowId)
      .signal(credentialDeposited, { mcpServerId: world.mcpServerId, version: Number.MAX_SAFE_INTEGER });

    await vi.waitFor(async () => expect(await pausesOf(world, user, step)).toBe(2), { timeout: 30_000 });
    expect(await scheduledActivities(world, step)).toEqual([
      ...['invokeTool', 'registerWaiter'],
      ...['invokeTool', 'registerWaiter'],
    ]);
    expect(await world.users.connect(user)).toMatchObject({ resuming: 1 });
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('ends as reauth-timed-out at its deadline, and no longer counts as waiting', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user, { timeouts: { reauth: '1s' } });

    await expect(world.steps.result(step)).resolves.toMatchObject({
      status: 'error',
      error: { code: 'reauth-timed-out' },
    });

    expect(await world.steps.waiting(user)).toEqual([]);
    expect(await world.users.connect(user)).toMatchObject({ resuming: 0 });
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('can be cancelled, and no longer counts as waiting', async ({ world }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);

    expect(await world.steps.cancel(user, step.stepId)).toBe(true);

    expect(await world.steps.until(user, step.stepId, 'cancelled')).not.toHaveProperty('connectUrl');
    expect(await world.steps.waiting(user)).toEqual([]);
    expect(await world.users.connect(user)).toMatchObject({ resuming: 0 });
  });
});

test('a deposit that no step waits for starts no workflow', async ({ world }) => {
  const user = world.users.newUser();

  const { version, resuming } = await world.users.connect(user);

  expect(resuming).toBe(0);
  const resumption = resumeWorkflowId({ userId: user, mcpServerId: world.mcpServerId }, version);
  await expect(world.temporal.client.workflow.getHandle(resumption).describe()).rejects.toThrow(
    WorkflowNotFoundError,
  );
});

function customers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `customer ${index + 1}`);
}

function startInvoice(world: World, user: string, customer: string): Promise<StepView> {
  return world.steps.start(user, { arguments: { customer, amount: 1 } });
}

function customersInvoiced(world: World, user: string): unknown[] {
  return world.mcpServer
    .calls({ user })
    .map((call) => call.arguments.customer)
    .sort();
}

async function startPaused(world: World, user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return untilPaused(world, user, stepId);
}

function untilPaused(world: World, user: string, stepId: string): Promise<StepView> {
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function pausesOf(world: World, user: string, { stepId }: StepView): Promise<number> {
  const { timeline } = await world.steps.reported(user, stepId);
  return timeline.filter(({ event }) => event === 'awaiting-input').length;
}

async function historyLength(world: World, { workflowId }: StepView): Promise<number> {
  return (await world.temporal.client.workflow.getHandle(workflowId).describe()).historyLength;
}

async function scheduledActivities(
  world: World,
  { workflowId }: StepView,
): Promise<(string | null | undefined)[]> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  return scheduled.map(({ activityType }) => activityType?.name);
}

/** A user whose first renewed token is out of time as soon as it is stored, as if a frozen process had held it. */
async function userWithTokenOutOfTime(world: World): Promise<string> {
  const user = world.users.newUser();
  const { db } = world.services;
  await world.users.deposit(user, { ...(await world.users.consent(user)), expiresIn: 0 });
  await db.query(`
    CREATE OR REPLACE FUNCTION run_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.renew_after := now() - interval '1 s';
      RETURN NEW;
    END $$`);
  await db.query(`
    CREATE OR REPLACE TRIGGER run_out BEFORE UPDATE ON mcp_credential
      FOR EACH ROW WHEN (OLD.token_version = 1 AND NEW.token_version = 2 AND NEW.user_id = '${user}')
      EXECUTE FUNCTION run_out()`);
  return user;
}
