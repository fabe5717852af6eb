import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT, renewed, seen, tokenStale } from './outcomes.ts';
import { held } from './scripted-activities.ts';
import { INPUT, stepIdOf } from './scripted-steps.ts';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const test = testWithTimeSkipping();

describe('a call that the tool answers', () => {
  test('is one activity and 11 history events', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [completed] });

    await expect(step.result()).resolves.toStrictEqual({ status: 'success', result: RESULT });

    expect(await step.events()).toStrictEqual([
      'workflowExecutionStarted',
      ...['workflowTaskScheduled', 'workflowTaskStarted', 'workflowTaskCompleted'],
      ...['activityTaskScheduled', 'activityTaskStarted', 'activityTaskCompleted'],
      ...['workflowTaskScheduled', 'workflowTaskStarted', 'workflowTaskCompleted'],
      'workflowExecutionCompleted',
    ]);
    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test('passes the request on with the run id as idempotency key', async ({ steps }) => {
    const args = [{ ...INPUT, timeouts: { call: '90s' } }];
    const step = await steps.start({ invokeTool: [completed] }, { args });
    await step.result();

    expect(step.play.inputs('invokeTool')).toStrictEqual([
      { ...INPUT, idempotencyKey: (await step.handle.describe()).runId, inactivityTimeoutMs: 90_000 },
    ]);
  });

  test('ends the step as an error with the result when the tool says isError', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [{ kind: 'completed', isError: true, result: RESULT }] });

    await expect(step.result()).resolves.toStrictEqual({
      status: 'error',
      error: { code: 'tool-error', message: 'the tool answered with an error' },
      result: RESULT,
    });
    expect(await step.view()).toMatchObject({
      status: 'error',
      error: { code: 'tool-error' },
      result: RESULT,
    });
  });
});

describe('the query shows', () => {
  test('each stage of a step exactly, also after its end', async ({ steps }) => {
    const [first, refresh, second] = [held(tokenStale(seen(1))), held(renewed(seen(1, 2))), held(completed)];
    const step = await steps.start(
      { invokeTool: [first, second], refreshToken: [refresh] },
      {
        workflowId: 'step/ada/invoice-7',
        args: [{ ...INPUT, stepId: 'invoice-7', title: 'Invoice for ACME' }],
      },
    );
    const running = {
      stepId: 'invoice-7',
      workflowId: step.handle.workflowId,
      mcpServerId: 'ledger',
      account: 'default',
      tool: 'create_invoice',
      title: 'Invoice for ACME',
      mode: 'fully-automated',
      status: 'running',
      createdAt: TIME,
      updatedAt: TIME,
    };
    const started = { at: TIME, event: 'started' };

    await first.reached;
    expectView(await step.view(), { ...running, timeline: [started] });
    first.release();
    await refresh.reached;
    expectView(await step.view(), { ...running, timeline: [started] });
    refresh.release();
    await second.reached;
    const timeline = [started, { at: TIME, event: 'token-renewed' }];
    expectView(await step.view(), { ...running, timeline });
    second.release();
    await step.result();
    expectView(await step.view(), {
      ...running,
      status: 'success',
      result: RESULT,
      timeline: [...timeline, { at: TIME, event: 'finished', status: 'success' }],
    });
  });

  test('the latest of a very long timeline, and how it began', async ({ steps }) => {
    const at = new Date(0).toISOString();
    const progress = Array.from({ length: 300 }, (_, index) => ({ at, progress: index + 1 }));
    const step = await steps.start({
      invokeTool: [{ kind: 'completed', isError: false, result: RESULT, progress }],
    });
    await step.result();

    const { timeline } = await step.view();

    expect(timeline).toHaveLength(200);
    expect(timeline[0]?.event).toBe('started');
    expect(timeline.slice(-2)).toMatchObject([{ event: 'progress', progress: 300 }, { event: 'finished' }]);
  });

  test('a step without an id of its own under its workflow id, and without a title', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [completed] });
    await step.result();

    const view = await step.view();

    expect(view.stepId).toBe(stepIdOf(step));
    expect(view).not.toHaveProperty('title');
  });
});

describe('a call that can’t be answered', () => {
  test('ends the step with the code that the activity gave', async ({ steps }) => {
    const failed = { kind: 'failed', code: 'unknown-tool', message: 'no such tool' } as const;
    const step = await steps.start({ invokeTool: [failed] });

    const error = { code: 'unknown-tool', message: 'no such tool' };
    await expect(step.result()).resolves.toStrictEqual({ status: 'error', error });
    expect((await step.view()).timeline.at(-1)).toStrictEqual({
      at: TIME,
      event: 'finished',
      status: 'error',
      code: 'unknown-tool',
    });
  });
});

function expectView(view: StepView, expected: unknown): void {
  expect(view).toStrictEqual(expected);
  expect(view.createdAt).toBe(view.timeline[0]?.at);
  expect(view.updatedAt).toBe(view.timeline.at(-1)?.at);
}
