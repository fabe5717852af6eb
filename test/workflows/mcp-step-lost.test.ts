import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect } from 'vitest';
import type { SideEffects, ToolAnnotations } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, notSent, RESULT, reauthRequired, renewed, seen, tokenStale } from './outcomes.ts';
import { type Scene, throwing, untilShutdown } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNKNOWN = { status: 'error', error: { code: 'outcome-unknown', message: expect.any(String) } };
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const ASKED_AND_WAITED = ['invokeTool', 'describeTool'];
const HOUR_MS = 3_600_000;

const test = testWithTimeSkipping();

describe('a call with an unknown outcome, of a tool that is not known to be safe to repeat,', () => {
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

describe('a call with an unknown outcome, of a tool that is safe to repeat,', () => {
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

describe('a call with an unknown outcome waits for a person', () => {
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

  test('when the server can’t be asked for longer than the step may be unavailable', async ({ steps }) => {
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

function input(changes: object) {
  return { args: [{ ...INPUT, ...changes }] };
}

function keysOf(step: ScriptedStep): string[] {
  return step.play.inputs('invokeTool').map(({ idempotencyKey }) => idempotencyKey);
}
