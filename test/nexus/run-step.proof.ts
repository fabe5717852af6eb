import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure, TimeoutFailure } from '@temporalio/common';
import { afterAll, describe, expect } from 'vitest';
import type { StepRequest } from '../../src/contracts/step.ts';
import type { StepMemo } from '../../src/contracts/step-memo.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { INVOICE, type World } from '../support/world.ts';
import { createNexusCaller, type NexusCaller } from './nexus-caller.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));
let caller: NexusCaller;

test.beforeAll(async ({ world }) => {
  caller = await createNexusCaller(world);
});

afterAll(() => caller.stop());

const runStep = (input: unknown) => caller.call({ operation: 'runStep', input });
const startStep = (input: unknown) => caller.start({ operation: 'runStep', input });

const inputOf = (world: World, userId: string, step: Partial<StepRequest> = {}) => ({
  userId,
  stepId: randomUUID(),
  mcpServerId: world.mcpServerId,
  tool: 'create_invoice',
  arguments: INVOICE,
  ...step,
});

const SUCCESS = {
  status: 'success',
  result: { structuredContent: { customer: 'ACME', amount: 42 } },
};

describe('a step that a workflow in another namespace runs', () => {
  test('succeeds, and is the same as one that the client starts', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const input = inputOf(world, user, { title: 'Invoice', account: 'default' });

    expect(await runStep(input)).toMatchObject({ kind: 'answered', result: SUCCESS });

    expect(await world.steps.get(user, input.stepId)).toMatchObject({ status: 'success', title: 'Invoice' });
    const { stepId } = await world.steps.start(user, { title: 'Invoice' });
    expect(await startOf(world, user, input.stepId)).toEqual(await startOf(world, user, stepId));
    await expect
      .poll(() => world.steps.list(user, { limit: 10, status: 'success' }))
      .toMatchObject({ steps: expect.arrayContaining([expect.objectContaining({ stepId: input.stepId })]) });
    expect(await world.steps.tryStart(input)).toMatchObject({ kind: 'existing' });
  });

  test('pauses until its user connects', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user);
    const call = await startStep(input);

    expect(await world.steps.until(user, input.stepId, 'awaiting-input')).toMatchObject({
      awaitingInputReason: 'needs-oauth-reauth',
      connectUrl: expect.stringContaining('/connect/ledger'),
    });
    const { refreshToken, accessToken } = await connect(world, user);

    expect(await call.result()).toMatchObject({ kind: 'answered', result: SUCCESS });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    const seen = await historyOf(call);
    expect(seen).toContain('create_invoice');
    for (const token of [refreshToken, accessToken]) expect(seen).not.toContain(token);
    expect(seen).not.toContain('nexusHeader');
  });

  test('is rejected by its user, with a reason that the caller gets', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user, { mode: 'automated-with-confirmation' });
    const call = await startStep(input);
    await world.steps.until(user, input.stepId, 'awaiting-input');

    await world.steps.reject(user, input.stepId, { reason: 'too much' });

    const result = { status: 'skipped', reason: 'too much' };
    expect(await call.result()).toMatchObject({ kind: 'answered', result });
  });

  test('is cancelled with the workflow that called it', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user);
    const call = await startStep(input);
    await world.steps.until(user, input.stepId, 'awaiting-input');

    await call.cancel();

    const failure = await call.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(await world.steps.get(user, input.stepId)).toMatchObject({ status: 'cancelled' });
    expect(await world.steps.waiting(user)).toEqual([]);
  });

  test('goes on when the time limit of the operation has passed', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user);
    const call = await caller.start({ operation: 'runStep', input, scheduleToCloseTimeout: '15s' });

    const failure = await call.result().catch((error: unknown) => error);

    expect((failure as WorkflowFailedError).cause?.cause).toBeInstanceOf(TimeoutFailure);
    await world.users.connect(user);
    expect(await world.steps.until(user, input.stepId, 'success')).toMatchObject(SUCCESS);
  });

  test('ends with an error that the caller gets as a result', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);

    expect(await runStep(inputOf(world, user, { tool: 'no_such_tool' }))).toMatchObject({
      kind: 'answered',
      result: { status: 'error', error: { code: 'unknown-tool' } },
    });
    expect(await runStep(inputOf(world, user, { mcpServerId: 'no-such-server' }))).toMatchObject({
      kind: 'answered',
      result: { status: 'error', error: { code: 'misconfigured' } },
    });
  });

  test('takes null for absent, but not in the arguments of the tool', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const nothing = { account: null, title: null, mode: null, sideEffects: null, stepId: null };
    const timeouts = { call: null, reauth: null };

    const answer = await runStep({ ...inputOf(world, user), ...nothing, timeouts });
    expect(answer).toMatchObject({ kind: 'answered', result: SUCCESS });
    const refused = await runStep(inputOf(world, user, { arguments: { ...INVOICE, customer: null } }));
    expect(refused).toMatchObject({ result: { status: 'error', error: { code: 'tool-error' } } });
  });
});

describe('a second operation with the id of a step', () => {
  test('gets the result of the same request, while the step runs and after it', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user);
    const calls = [await startStep(input)];
    await world.steps.until(user, input.stepId, 'awaiting-input');
    calls.push(await startStep({ ...input, mode: 'fully-automated' }));
    await expect.poll(() => callbacksOf(world, user, input.stepId)).toBe(2);

    await world.users.connect(user);

    const results = await Promise.all(calls.map((call) => call.result()));
    for (const result of results) expect(result).toMatchObject({ kind: 'answered', result: SUCCESS });
    expect(await runStep(input)).toMatchObject({ kind: 'answered', result: SUCCESS });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('is refused if the request is another one', async ({ world }) => {
    const user = world.users.newUser();
    const input = inputOf(world, user, { mode: 'automated-with-confirmation' });
    const call = await startStep(input);
    await world.steps.until(user, input.stepId, 'awaiting-input');

    const refusal = {
      code: 'step-conflict',
      message: 'This stepId belongs to a step with another request.',
    };
    expect(await runStep({ ...input, tool: 'send_message' })).toEqual({ kind: 'refused', refusal });
    await world.steps.cancel(user, input.stepId);
    await call.result().catch(() => undefined);
    expect(await runStep({ ...input, tool: 'send_message' })).toEqual({ kind: 'refused', refusal });
  });

  test('of a step that was cancelled is cancelled', async ({ world }) => {
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    await world.steps.cancel(user, stepId);
    await world.steps.until(user, stepId, 'cancelled');

    const failure = await runStep(inputOf(world, user, { stepId })).catch((error: unknown) => error);

    expect((failure as WorkflowFailedError).cause?.cause).toBeInstanceOf(CancelledFailure);
  });
});

async function connect(world: World, user: string) {
  const consent = await world.users.consent(user);
  await world.users.deposit(user, consent);
  return consent;
}

/** All that the caller's namespace keeps of the call, as text, with its payloads in clear. */
async function historyOf(call: WorkflowHandle): Promise<string> {
  const text = JSON.stringify((await call.fetchHistory()).events);
  return text.replaceAll(/"data":"([A-Za-z0-9+/=]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
}

// What tells how a step was started.
async function startOf(world: World, user: string, stepId: string) {
  const { raw, memo, searchAttributes } = await world.temporal.client.workflow
    .getHandle(stepWorkflowId(user, stepId))
    .describe();
  const { type, priority, taskQueue } = raw.workflowExecutionInfo ?? {};
  // Temporal's own, set by the first task.
  const { BuildIds: _, ...attributes } = searchAttributes;
  // Only a start that answers with a time writes `createdAt`.
  const latchkeyStep = { ...(memo?.latchkeyStep as Omit<StepMemo, 'createdAt'>), createdAt: undefined };
  return {
    ...{ type, priority, taskQueue, attributes },
    memo: {
      ...latchkeyStep,
      stepId: latchkeyStep.stepId === stepId,
      requestHash: typeof latchkeyStep.requestHash,
    },
  };
}

async function callbacksOf(world: World, user: string, stepId: string): Promise<number | undefined> {
  const { raw } = await world.temporal.client.workflow.getHandle(stepWorkflowId(user, stepId)).describe();
  return raw.callbacks?.length;
}
