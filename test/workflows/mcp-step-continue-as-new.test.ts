import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serverResumed } from '../../src/contracts/messages.ts';
import { mcpServerIdAttribute, mcpStepStatus, mcpUserId } from '../../src/contracts/search-attributes.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { summaryOf } from '../../src/steps/step-summary.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import {
  completed,
  lost,
  notSent,
  RESULT,
  reauthRequired,
  renewed,
  seen,
  serverPaused,
  tokenStale,
  unauthorized,
} from './outcomes.ts';
import { held, untilCancelled } from './scripted-activities.ts';
import { createScriptedSteps, INPUT, type ScriptedStep, type ScriptedSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const MEMO = { latchkey: { userId: 'ada' } };
const ATTRIBUTES = [
  { key: mcpStepStatus, value: 'running' },
  { key: mcpServerIdAttribute, value: INPUT.mcpServerId },
  { key: mcpUserId, value: INPUT.userId },
];
const REAUTH_MS = 2 * 24 * 3_600_000;

let temporal: TestTemporal;
let steps: ScriptedSteps;

// A server of its own: elsewhere a history is long at 4,096 events, here every one that has seen one activity.
beforeAll(async () => {
  quietTemporal();
  temporal = await startOwnTemporal({ 'limit.historyCount.suggestContinueAsNew': 9 });
  steps = createScriptedSteps(temporal);
  await steps.startWorker();
});

afterAll(async () => {
  await steps.stop();
  await temporal.close();
});

test('a step that ends before its history is long is one run', async () => {
  const step = await steps.start({ invokeTool: [completed] });
  const { runId } = await step.handle.describe();

  await expect(step.result()).resolves.toStrictEqual(SUCCESS);

  expect((await step.handle.describe()).runId).toBe(runId);
});

test('a step continues in a new run with its timeline, its progress and its deadline', async () => {
  const [calling, looking] = [held(reauthRequired(seen(1, 2))), held(reauthRequired(seen(1, 2)))];
  const step = await steps.start(
    {
      invokeTool: [tokenStale(seen(1)), calling, looking, completed],
      refreshToken: [renewed(seen(1, 2))],
    },
    {
      args: [{ ...INPUT, title: 'Invoice', timeouts: { reauth: '2 days' } }],
      typedSearchAttributes: ATTRIBUTES,
      memo: MEMO,
    },
  );
  const first = await step.handle.describe();

  await calling.reached;
  const renewing = await step.view();
  expect(renewing.timeline.map((entry) => entry.event)).toStrictEqual(['started', 'token-renewed']);
  const continued = await step.handle.describe();
  expect(continued.runId).not.toBe(first.runId);
  // What lists show: the run began later than the step.
  expect(continued.startTime.toISOString()).not.toBe(renewing.createdAt);
  expect(summaryOf(continued, 's', {})).toMatchObject({ status: 'running', createdAt: renewing.createdAt });
  calling.release();
  await step.until('awaiting-input');
  const paused = await committedView(step);
  expectContinued(paused, renewing);

  const runId = await runIdOf(step);
  await step.deposit(2 ** 53);
  await looking.reached;
  expect(await runIdOf(step)).not.toBe(runId);
  looking.release();
  await step.until('awaiting-input');
  const pausedAgain = await committedView(step);
  expectContinued(pausedAgain, paused);
  expect(await deadlineOf(step, pausedAgain)).toBe(Date.parse(paused.updatedAt) + REAUTH_MS);
  await expectFoundAs(step, 'awaiting-input');

  await step.deposit(2);
  await expect(step.result()).resolves.toStrictEqual(SUCCESS);

  const ended = await step.view();
  expectContinued(ended, pausedAgain);
  expect(ended).toMatchObject({ ...SUCCESS, title: 'Invoice', createdAt: renewing.createdAt });
  await expectFoundAs(step, 'running');
  const calls = step.play.inputs('invokeTool');
  expect(calls.map((call) => call.justRenewed)).toStrictEqual([undefined, 2, 2, 2]);
  expect(new Set(calls.map((call) => call.idempotencyKey))).toStrictEqual(new Set([first.runId]));
});

test('a token that was renewed for a 401 before is not renewed for another one in a new run', async () => {
  const step = await steps.start({
    invokeTool: [unauthorized(seen(1)), unauthorized(seen(1, 3)), completed],
    refreshToken: [renewed(seen(1, 2))],
  });

  expect(await step.until('awaiting-input')).toMatchObject({ connectionReason: 'token-rejected' });

  await step.deposit(2);
  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
});

test('a wait for the server grows across runs and is given up in time', async () => {
  const step = await steps.start(
    { invokeTool: Array.from({ length: 7 }, () => notSent()) },
    { args: [{ ...INPUT, timeouts: { unavailable: '12s' } }] },
  );
  const { runId } = await step.handle.describe();

  await expect(step.result()).resolves.toMatchObject({ error: { code: 'server-unavailable' } });

  expect(await runIdOf(step)).not.toBe(runId);
  const { timeline } = await step.view();
  const waits = timeline.flatMap((entry) => (typeof entry.waitMs === 'number' ? [entry.waitMs] : []));
  waits.forEach((waitMs, n) => {
    expect(waitMs).toBeGreaterThanOrEqual(500 * 2 ** n);
  });
  expect(waits.reduce((sum, waitMs) => sum + waitMs, 0)).toBeLessThanOrEqual(12_000);
  expect(waits.length).toBeGreaterThanOrEqual(2);
});

test('a step is cancelled in whichever run it is, and leaves no waiter of an earlier run', async () => {
  const looking = untilCancelled(notSent());
  const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), looking] });
  await step.until('awaiting-input');
  await step.deposit(2 ** 53);
  await looking.reached;

  await step.handle.cancel();

  expect(await step.closed()).toBe('CANCELLED');
  expect(step.play.order.at(-1)).toBe('removeWaiter');
  expect(await step.view()).toMatchObject({ status: 'cancelled' });
});

test('a wait for a paused server goes on in a new run, which neither looks again nor says so again', async () => {
  const step = await steps.start({ invokeTool: [serverPaused, completed] });
  const { runId } = await step.handle.describe();
  await step.untilView(({ timeline }) => timeline.at(-1)?.event === 'server-paused');
  const waiting = await committedView(step);
  for (let sent = 0; sent < 60; sent += 1) await step.handle.signal(serverResumed.name, {});
  await vi.waitFor(async () => expect(await runIdOf(step)).not.toBe(runId), 30_000);
  expect((await step.view()).timeline).toStrictEqual(waiting.timeline);
  expect(step.play.order).toStrictEqual(['invokeTool']);

  await step.handle.signal(serverResumed, { mcpServerId: INPUT.mcpServerId });

  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  expectContinued(await step.view(), waiting);
});

test('a call whose answer was lost is not made again by the run that finds out about it', async () => {
  const step = await steps.start(
    {
      invokeTool: [lost, completed],
      describeTool: [tokenStale(seen(1)), { kind: 'described' }],
      refreshToken: [renewed(seen(1, 2))],
    },
    {},
  );
  const { runId } = await step.handle.describe();

  expect(await step.until('awaiting-input')).toMatchObject({ awaitingInputReason: 'outcome-unknown' });

  expect(await runIdOf(step)).not.toBe(runId);
  expect(step.play.inputs('invokeTool')).toHaveLength(1);
});

async function runIdOf(step: ScriptedStep): Promise<string> {
  return (await step.handle.describe()).runId;
}

/** The view without a workflow task under way: a task that times out is made again, and what it noted is noted later. */
async function committedView(step: ScriptedStep): Promise<StepView> {
  await vi.waitFor(async () => {
    const { raw } = await step.handle.describe();
    expect(raw.pendingWorkflowTask ?? null).toBeNull();
  }, 30_000);
  return step.view();
}

/** The later view begins with what the earlier one showed. */
function expectContinued(later: StepView, earlier: StepView): void {
  expect(later.createdAt).toBe(earlier.createdAt);
  expect(later.timeline.slice(0, earlier.timeline.length)).toStrictEqual(earlier.timeline);
  expect(later.timeline.length).toBeGreaterThan(earlier.timeline.length);
}

/** When the last timer of the current run ends: it was started at the moment of the pause. */
async function deadlineOf(step: ScriptedStep, paused: StepView): Promise<number> {
  const { seconds, nanos } = await vi.waitFor(async () => {
    const { events } = await step.handle.fetchHistory();
    const timer = events?.findLast((event) => event.timerStartedEventAttributes)?.timerStartedEventAttributes;
    // A query may be answered before the task that starts the timer is completed.
    if (!timer?.startToFireTimeout) throw new Error('no timer is started yet');
    return timer.startToFireTimeout;
  }, 20_000);
  return Date.parse(paused.updatedAt) + Number(seconds) * 1_000 + Number(nanos) / 1_000_000;
}

async function expectFoundAs(step: ScriptedStep, status: string): Promise<void> {
  const { typedSearchAttributes, memo } = await step.handle.describe();
  expect(typedSearchAttributes.get(mcpStepStatus)).toBe(status);
  expect(typedSearchAttributes.get(mcpServerIdAttribute)).toBe(INPUT.mcpServerId);
  expect(typedSearchAttributes.get(mcpUserId)).toBe(INPUT.userId);
  expect(memo).toMatchObject(MEMO);
}

test('a long run of idle renewals continues after the servers that are done', async () => {
  const renewals = { renewed: 1, reauthRequired: 0, postponed: 0 };
  const run = await steps.start(
    { listServersWithIdleGrants: [['a', 'b'], ['c'], []], renewIdleGrants: [renewals, renewals, renewals] },
    { type: 'renewIdleGrants', args: [], workflowId: 'renew-idle-grants' },
  );
  const { runId } = await run.handle.describe();

  await run.handle.result();

  expect((await run.handle.describe()).runId).not.toBe(runId);
  expect(run.play.inputs('listServersWithIdleGrants')).toEqual([
    { after: '' },
    { after: 'b' },
    { after: 'c' },
  ]);
  expect(run.play.inputs('renewIdleGrants').map(({ mcpServerId }) => mcpServerId)).toEqual(['a', 'b', 'c']);
});
