import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { resumeWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { listUserTools } from '../../src/tools/list-user-tools.ts';
import { createWorld, type World } from '../support/world.ts';

const REFUSAL = { do: 'answer', status: 401 } as const;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.stop());

/** Ways for a user to be needed; each answers what to do so that a deposit helps. */
const NEEDS: { need: string; reason: string; arrange: (user: string) => Promise<() => void> }[] = [
  { need: 'has never connected', reason: 'not-connected', arrange: async () => () => {} },
  {
    need: 'has withdrawn consent',
    reason: 'invalid-grant',
    async arrange(user) {
      await world.connect(user);
      world.authorizationServer.control.revokeGrants(user);
      return () => {};
    },
  },
  {
    need: 'has a token that is refused however new it is',
    reason: 'token-rejected',
    async arrange(user) {
      await world.connect(user);
      return world.mcpServer.control.interceptRequests(REFUSAL, { user, times: Infinity }).release;
    },
  },
];

describe.each(NEEDS)('steps whose user $need', ({ reason, arrange }) => {
  test('pause, and one deposit resumes them all: each calls its tool exactly once', async () => {
    const user = world.newUser();
    const mend = await arrange(user);
    const steps = await Promise.all(customers(4).map((customer) => startInvoice(user, customer)));

    const paused = await Promise.all(steps.map(({ stepId }) => untilPaused(user, stepId)));
    mend();
    const { resuming } = await world.connect(user);
    const results = await Promise.all(steps.map(world.result));

    expect(paused.map((step) => step.connectionReason)).toEqual(Array(4).fill(reason));
    expect(resuming).toBe(4);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('success'));
    expect(customersInvoiced(user)).toEqual(customers(4));
    expect(await world.waiting(user)).toEqual([]);
  });
});

describe('a token that was just renewed, but used only after its time', () => {
  test('is renewed once more when it is refused: nobody is asked', async () => {
    const user = await userWithTokenOutOfTime();
    world.mcpServer.control.interceptRequests(REFUSAL, { user });

    const { stepId } = await startInvoice(user, 'ACME');

    const step = await world.until(user, stepId, 'success', 'awaiting-input');
    expect(step.timeline.map(({ event }) => event)).toEqual([
      'started',
      'token-renewed',
      'waiting-for-server',
      'token-renewed',
      'finished',
    ]);
    expect(customersInvoiced(user)).toEqual(['ACME']);
  });

  test('is no reason to ask the user either when tools are listed', async () => {
    const user = await userWithTokenOutOfTime();
    const key = { userId: user, mcpServerId: world.mcpServerId };
    world.mcpServer.control.interceptRequests(REFUSAL, { user });

    await expect(listUserTools(world.services, key)).resolves.toEqual({ kind: 'token-endpoint-unavailable' });

    await expect(listUserTools(world.services, key)).resolves.toMatchObject({ kind: 'listed' });
  });
});

describe('a paused step', () => {
  test('survives two deposits in a row and calls its tool once', async () => {
    const user = world.newUser();
    const step = await startPaused(user);
    const consents = [await world.consent(user), await world.consent(user)];

    for (const consent of consents) await world.deposit(user, consent);

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('survives two deposits at once and calls its tool once', async () => {
    const user = world.newUser();
    const step = await startPaused(user);
    const consents = [await world.consent(user), await world.consent(user)];

    const stored = await Promise.all(consents.map((consent) => world.deposit(user, consent)));

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(stored.map(({ version }) => version).sort()).toEqual([1, 2]);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('stays paused when its user disconnects, and resumes at the deposit after that', async () => {
    const user = world.newUser();
    await world.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(user);

    await world.disconnect(user);
    const later = await startPaused(user);
    expect(later.connectionReason).toBe('not-connected');
    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'awaiting-input' });

    expect(await world.connect(user)).toMatchObject({ version: 3, resuming: 2 });
    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    await expect(world.result(later)).resolves.toMatchObject({ status: 'success' });
  });

  test("is not woken by another user's deposit for the same server", async () => {
    const [user, other] = [world.newUser(), world.newUser()];
    const step = await startPaused(user);
    const before = await historyLength(step);

    expect(await world.connect(other)).toMatchObject({ resuming: 0 });

    expect(await world.waiting(user)).toEqual([step.stepId]);
    expect(await historyLength(step)).toBe(before);
    await world.connect(user);
    await world.result(step);
  });

  test('looks once after a forged signal, pauses again, and resumes at the real deposit', async () => {
    const user = world.newUser();
    const step = await startPaused(user);

    await world.temporal.client.workflow
      .getHandle(step.workflowId)
      .signal(credentialDeposited, { mcpServerId: world.mcpServerId, version: Number.MAX_SAFE_INTEGER });

    await vi.waitFor(async () => expect(await pausesOf(user, step)).toBe(2), { timeout: 10_000 });
    expect(await scheduledActivities(step)).toEqual([
      ...['invokeTool', 'registerWaiter'],
      ...['invokeTool', 'registerWaiter'],
    ]);
    expect(await world.connect(user)).toMatchObject({ resuming: 1 });
    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('ends as reauth-timed-out at its deadline, and no longer counts as waiting', async () => {
    const user = world.newUser();
    const step = await world.start(user, { timeouts: { reauth: '1s' } });

    await expect(world.result(step)).resolves.toMatchObject({
      status: 'error',
      error: { code: 'reauth-timed-out' },
    });

    expect(await world.waiting(user)).toEqual([]);
    expect(await world.connect(user)).toMatchObject({ resuming: 0 });
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('can be cancelled, and no longer counts as waiting', async () => {
    const user = world.newUser();
    const step = await startPaused(user);

    expect(await world.steps.cancel(user, step.stepId)).toBe(true);

    expect(await world.until(user, step.stepId, 'cancelled')).not.toHaveProperty('connectUrl');
    expect(await world.waiting(user)).toEqual([]);
    expect(await world.connect(user)).toMatchObject({ resuming: 0 });
  });
});

test('a deposit that nobody waits for starts no workflow', async () => {
  const user = world.newUser();

  const { version, resuming } = await world.connect(user);

  expect(resuming).toBe(0);
  const resumption = resumeWorkflowId(user, world.mcpServerId, version);
  await expect(world.temporal.client.workflow.getHandle(resumption).describe()).rejects.toThrow(
    WorkflowNotFoundError,
  );
});

function customers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `customer ${index + 1}`);
}

function startInvoice(user: string, customer: string): Promise<StepView> {
  return world.start(user, { arguments: { customer, amount: 1 } });
}

function customersInvoiced(user: string): unknown[] {
  return world.mcpServer
    .calls({ user })
    .map((call) => call.arguments.customer)
    .sort();
}

async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.start(user);
  return untilPaused(user, stepId);
}

function untilPaused(user: string, stepId: string): Promise<StepView> {
  return world.until(user, stepId, 'awaiting-input');
}

async function pausesOf(user: string, { stepId }: StepView): Promise<number> {
  const step = await world.steps.get(user, stepId);
  return (step?.timeline ?? []).filter(({ event }) => event === 'awaiting-input').length;
}

async function historyLength({ workflowId }: StepView): Promise<number> {
  return (await world.temporal.client.workflow.getHandle(workflowId).describe()).historyLength;
}

async function scheduledActivities({ workflowId }: StepView): Promise<(string | null | undefined)[]> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  return scheduled.map(({ activityType }) => activityType?.name);
}

/** A user whose first renewed token is out of time as soon as it is stored, as if a frozen process had held it. */
async function userWithTokenOutOfTime(): Promise<string> {
  const user = world.newUser();
  const { db } = world.services;
  await world.deposit(user, { ...(await world.consent(user)), expiresIn: 0 });
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
