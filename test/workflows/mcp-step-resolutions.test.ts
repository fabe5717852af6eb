import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, notSent, RESULT, renewed, seen, tokenStale } from './outcomes.ts';
import { held, type Scene } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNKNOWN = { status: 'error', error: { code: 'outcome-unknown', message: expect.any(String) } };
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const test = testWithTimeSkipping();

describe('a person says of a call with an unknown outcome', () => {
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
