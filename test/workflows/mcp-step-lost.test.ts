import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect } from 'vitest';
import type { SideEffects, ToolAnnotations } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, notSent, RESULT, reauthRequired, renewed, seen, tokenStale } from './outcomes.ts';
import { held, type Scene, throwing, untilShutdown } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNKNOWN = { status: 'error', error: { code: 'outcome-unknown', message: expect.any(String) } };
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const ASKED_AND_WAITED = ['invokeTool', 'describeTool'];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const test = testWithTimeSkipping();

describe('a call whose outcome nobody knows, of a tool that nobody vouches for,', () => {
  // Nothing but `lost` stands in the script: a second call would end the step otherwise.
  const unwritable = async () => ({ ...completed, result: { content: [1n] } });
  const cases: [string, Scene<'invokeTool'>][] = [
    ['was sent and not answered', lost],
    ['failed in a way that nobody foresaw', throwing(new Error('out of memory'))],
    ['failed for good', throwing(ApplicationFailure.nonRetryable('no'))],
    // The tool ran; what it said can't be written down.
    ['gave a result that history can’t hold', unwritable],
  ];

  test.for(cases)('is never made again when it %s', async ([_, scene], { steps }) => {
    const step = await steps.start({ invokeTool: [scene, completed] });

    expect(await step.until('awaiting-input')).toMatchObject({ awaitingInputReason: 'outcome-unknown' });
    await expect(step.result()).resolves.toMatchObject(UNKNOWN);
    expect(step.play.order).toStrictEqual(ASKED_AND_WAITED);
    expect(await step.view()).toMatchObject(UNKNOWN);
  });

  test('is never made again when its worker fell silent', async ({ steps }) => {
    const silent = async () => {
      await steps.sleep(31_000);
      return completed;
    };
    const step = await steps.start({ invokeTool: [silent, completed] });

    await expect(step.result()).resolves.toMatchObject(UNKNOWN);

    expect(step.play.order).toStrictEqual(ASKED_AND_WAITED);
    expect(await timeoutOf(step)).toBe(HEARTBEAT);
  });

  test('is never made again when it took longer than a call may take', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [() => beatingForAnHour(steps), completed] });

    await expect(step.result()).resolves.toMatchObject(UNKNOWN);

    expect(step.play.order).toStrictEqual(ASKED_AND_WAITED);
    expect(await timeoutOf(step)).toBe(START_TO_CLOSE);
  });

  test('is not made again by the worker that takes over from one that was shut down', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    await fleet.startWorker({ only: 'workflows' });
    const retiring = await fleet.startWorker({ only: 'activities' });
    const call = untilShutdown();
    const step = await fleet.start({ invokeTool: [call, completed] });
    await call.reached;

    await retiring.stop();
    await fleet.startWorker({ only: 'activities' });

    await expect(step.result()).resolves.toMatchObject(UNKNOWN);
    expect(step.play.order).toStrictEqual(ASKED_AND_WAITED);
  });
});

/** temporal.api.enums.v1.TimeoutType */
const START_TO_CLOSE = 1;
const HEARTBEAT = 4;

async function timeoutOf(step: ScriptedStep): Promise<number | null | undefined> {
  const { events } = await step.handle.fetchHistory();
  const timedOut = events?.find((event) => event.activityTaskTimedOutEventAttributes);
  return timedOut?.activityTaskTimedOutEventAttributes?.failure?.timeoutFailureInfo?.timeoutType;
}

// By the client, whose heartbeats are acknowledged: a worker sends them when it likes, and time is skipped.
async function beatingForAnHour(steps: TimeSkippingSteps) {
  const { taskToken } = Context.current().info;
  for (let minutes = 0; minutes < 62; minutes += 1 / 3) {
    await steps.client.activity.heartbeat(taskToken);
    await steps.sleep(20_000);
  }
  return completed;
}

describe('a call whose outcome nobody knows, of a tool that may run twice,', () => {
  const words: SideEffects[] = ['read-only', 'idempotent'];
  test.for(words)('is made again when its caller says that it is %s', async (sideEffects, { steps }) => {
    const step = await steps.start({ invokeTool: [lost, lost, completed] }, input({ sideEffects }));

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', 'invokeTool', 'invokeTool']);
    expect(new Set(keysOf(step)).size).toBe(1);
    expect((await step.view()).timeline.map(({ event, cause }) => [event, cause])).toStrictEqual([
      ['started', undefined],
      ['answer-lost', 'connection-reset'],
      ['waiting-for-server', 'connection-reset'],
      ['answer-lost', 'connection-reset'],
      ['waiting-for-server', 'connection-reset'],
      ['finished', undefined],
    ]);
  });

  const safe: ToolAnnotations[] = [{ readOnlyHint: true }, { idempotentHint: true }];
  test.for(safe)('is made again when a trusted server says %o of it', async (annotations, { steps }) => {
    const step = await steps.start({
      invokeTool: [lost, completed],
      describeTool: [{ kind: 'described', annotations }],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool', 'describeTool', 'invokeTool']);
    expect(new Set(keysOf(step)).size).toBe(1);
  });

  test('is made again as soon as a trusted server can be asked, with a renewed token', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [lost, completed],
      describeTool: [
        tokenStale(seen(1)),
        notSent(60_000),
        { kind: 'described', annotations: { readOnlyHint: true } },
      ],
      refreshToken: [renewed(seen(1, 2))],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.inputs('describeTool').map(({ justRenewed }) => justRenewed)).toStrictEqual([
      ...[undefined, 2, undefined],
    ]);
  });

  test('is made again for as long as the step may wait, and no longer', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: Array.from({ length: 100 }, () => lost) },
      input({ sideEffects: 'read-only', timeouts: { unavailable: '1h' } }),
    );
    const { createdAt } = await step.view();

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'server-unavailable' } });

    const waited = Date.parse((await step.view()).updatedAt) - Date.parse(createdAt);
    expect(waited).toBeGreaterThan(HOUR_MS / 2);
    expect(waited).toBeLessThan(HOUR_MS + 60_000);
  });
});

describe('a call whose outcome nobody knows waits for a person', () => {
  const unsafe: ToolAnnotations[] = [{}, { readOnlyHint: false }, { destructiveHint: false }];
  test.for(unsafe)('when a trusted server only says %o of its tool', async (annotations, { steps }) => {
    const step = await steps.start({
      invokeTool: [lost],
      describeTool: [{ kind: 'described', annotations }],
    });

    expect(await step.until('awaiting-input')).toMatchObject(WAITS);
  });

  test('when its caller says that it is unsafe, whatever the server says', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [lost] }, input({ sideEffects: 'unsafe' }));

    expect(await step.until('awaiting-input')).toMatchObject(WAITS);

    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test('when the server does not say', async ({ steps }) => {
    const unknownTool = { kind: 'failed', code: 'unknown-tool', message: 'no such tool' } as const;
    const step = await steps.start({ invokeTool: [lost], describeTool: [unknownTool] });

    expect(await step.until('awaiting-input')).toMatchObject(WAITS);
  });

  test('when the server can’t be asked: it is not the call that could not be made', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [lost], describeTool: [notSent(2 * HOUR_MS)] },
      input({ timeouts: { unavailable: '1h', resolution: '3h' } }),
    );

    expect(await step.until('awaiting-input')).toMatchObject(WAITS);
    await expect(step.result()).resolves.toMatchObject(UNKNOWN);
  });

  test('also when its user had to reconnect so that the server could be asked', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [lost], describeTool: [reauthRequired(seen(1))] });
    const first = await step.until('awaiting-input');
    expect(first.awaitingInputReason).toBe('needs-oauth-reauth');

    await step.deposit(2);

    await step.untilView((view) => view.awaitingInputReason === 'outcome-unknown');
    expect(step.play.order).toStrictEqual(['invokeTool', 'describeTool', 'registerWaiter', 'describeTool']);
  });
});

describe('a person says of a call whose outcome nobody knows', () => {
  test('that it is to be made again, and it is made with the same idempotency key', async ({ steps }) => {
    const step = await lostStep(steps, [completed]);

    const answer = await step.resolve({ action: 'retry' }, 'grace');

    expect(answer).toMatchObject({ status: 'running' });
    expect(answer).not.toHaveProperty('awaitingInputReason');
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(new Set(keysOf(step)).size).toBe(1);
    expect(await resolvedBy(step)).toStrictEqual([{ by: 'grace', action: 'retry' }]);
  });

  test('that it is to be made again, and the step waits again when it is lost again', async ({ steps }) => {
    const step = await lostStep(steps, [lost, completed]);
    await step.resolve({ action: 'retry' });
    await step.untilView(({ status, timeline }) => status === 'awaiting-input' && timeline.length > 6);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')).toHaveLength(3);
  });

  test('that it is to be made again, and an outage counts from then on', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(), lost, notSent(), completed] });
    await step.until('awaiting-input');
    await steps.sleep(2 * DAY_MS);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('that it is to be made again, and a token that was renewed before may be renewed again', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [
        ...[tokenStale(seen(1)), lost],
        ...[{ kind: 'unauthorized', seen: seen(1, 2) } as const, completed],
      ],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
    });
    await step.until('awaiting-input');

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool').map(({ justRenewed }) => justRenewed)).toStrictEqual([
      ...[undefined, 2, undefined, 3],
    ]);
  });

  test.for([
    ['a result', RESULT, RESULT],
    ['nothing more', undefined, { content: [] }],
    ['structured content', { structuredContent: { id: 7 } }, { content: [], structuredContent: { id: 7 } }],
  ] as const)('that it succeeded, with %s', async ([_, given, result], { steps }) => {
    const step = await lostStep(steps, []);

    const answer = await step.resolve({ action: 'succeed', ...(given && { result: given }) }, 'grace');

    expect(answer).toMatchObject({ status: 'success', result });
    await expect(step.result()).resolves.toStrictEqual({ status: 'success', result });
    expect(await resolvedBy(step)).toStrictEqual([{ by: 'grace', action: 'succeed' }]);
  });

  test('that it failed', async ({ steps }) => {
    const step = await lostStep(steps, []);

    expect(await step.resolve({ action: 'fail' })).toMatchObject(UNKNOWN);

    await expect(step.result()).resolves.toMatchObject(UNKNOWN);
  });

  test('nothing, until its deadline', async ({ steps }) => {
    const step = await lostStep(steps, [], input({ timeouts: { resolution: '3 days' } }));
    const { updatedAt } = await step.view();

    await expect(step.result()).resolves.toMatchObject(UNKNOWN);

    const waited = Date.parse((await step.view()).updatedAt) - Date.parse(updatedAt);
    expect(waited).toBeGreaterThanOrEqual(3 * DAY_MS);
    expect(waited).toBeLessThan(3 * DAY_MS + 60_000);
  });

  test('two things at once, of which the first counts and the other is refused', async ({ steps }) => {
    const step = await lostStep(steps, [completed]);

    const said = await Promise.allSettled([
      step.resolve({ action: 'retry' }),
      step.resolve({ action: 'fail' }),
    ]);

    expect(said.map(({ status }) => status).sort()).toStrictEqual(['fulfilled', 'rejected']);
    expect(said.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: 'NotWaiting' },
    });
    const retried = said[0]?.status === 'fulfilled';
    await expect(step.result()).resolves.toMatchObject(retried ? SUCCESS : UNKNOWN);
    expect(step.play.inputs('invokeTool')).toHaveLength(retried ? 2 : 1);
  });

  test.for([
    ['approves it', (step: ScriptedStep) => step.approve()],
    ['rejects it', (step: ScriptedStep) => step.reject()],
  ] as const)('nothing that applies when they %s', async ([_, decide], { steps }) => {
    const step = await lostStep(steps, []);

    await expect(decide(step)).rejects.toThrow('NotWaiting');

    expect(await step.view()).toMatchObject(WAITS);
  });

  test.for([
    ['nothing', undefined],
    ['null', null],
    ['a word', 'retry'],
    ['an unknown action', { action: 'forget' }],
    ['no action', { result: RESULT }],
    ['a result of a retry', { action: 'retry', result: RESULT }],
    ['content that is no list', { action: 'succeed', result: { content: 'done' } }],
    ['structured content that is a list', { action: 'succeed', result: { structuredContent: [] } }],
    ['an unknown field', { action: 'fail', because: 'I say so' }],
    ['a reference to a stored result', { action: 'succeed', result: { stored: { id: 'x', bytes: 1 } } }],
  ] as const)('something invalid: %s', async ([_, message], { steps }) => {
    const step = await lostStep(steps, []);
    const before = await step.events();

    // The cast sends what TypeScript would not.
    await expect(step.resolve(message as never)).rejects.toThrow('Invalid');

    expect(await step.view()).toMatchObject(WAITS);
    expect((await step.events()).filter((event) => event.includes('Update'))).toStrictEqual([]);
    expect(before).not.toContain('workflowTaskFailed');
  });

  test('that the step is cancelled', async ({ steps }) => {
    const step = await lostStep(steps, []);

    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    expect(await step.view()).not.toHaveProperty('awaitingInputReason');
  });

  test('something while the call is still being made, which is refused', async ({ steps }) => {
    const calling = held(completed);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;

    await expect(step.resolve({ action: 'fail' })).rejects.toThrow('NotWaiting');
    calling.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

function input(changes: object) {
  return { args: [{ ...INPUT, ...changes }] };
}

/** A step whose first call was lost; `then` is what its next ones come to. */
async function lostStep(
  steps: TimeSkippingSteps,
  then: Scene<'invokeTool'>[],
  options = {},
): Promise<ScriptedStep> {
  const step = await steps.start({ invokeTool: [lost, ...then] }, options);
  expect(await step.until('awaiting-input')).toMatchObject(WAITS);
  return step;
}

function keysOf(step: ScriptedStep): string[] {
  return step.play.inputs('invokeTool').map(({ idempotencyKey }) => idempotencyKey);
}

async function resolvedBy(step: ScriptedStep) {
  const { timeline } = await step.view();
  return timeline.flatMap(({ event, by, action }) => (event === 'resolved' ? [{ by, action }] : []));
}
