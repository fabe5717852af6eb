import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT } from './outcomes.ts';
import { INPUT, stepIdOf } from './scripted-steps.ts';
import { BAD_INPUTS, OPTIONAL_FIELDS } from './step-inputs.ts';

const SUCCESS = { status: 'success', result: RESULT };
const REFUSED = { status: 'error', error: { code: 'invalid-arguments', message: expect.any(String) } };

const test = testWithTimeSkipping();

describe('a step that any client has started', () => {
  test.for(BAD_INPUTS)(
    'with %s ends at once as an error and calls nothing',
    async ([_, input], { steps }) => {
      const step = await steps.start({}, { args: [input] });

      await expect(step.result()).resolves.toStrictEqual(REFUSED);

      await expectUneventful(step.events());
      expect(step.play.order).toStrictEqual([]);
    },
  );

  test('with no argument at all ends at once as an error', async ({ steps }) => {
    const step = await steps.start({}, { args: [] });

    await expect(step.result()).resolves.toStrictEqual(REFUSED);

    await expectUneventful(step.events());
  });

  test('with bad input shows the fields that are valid', async ({ steps }) => {
    const step = await steps.start({}, { args: [{ ...INPUT, timeouts: { call: 'soon' } }] });
    const result = await step.result();

    const view = await step.view();

    expect(view).toStrictEqual({
      stepId: stepIdOf(step),
      workflowId: step.handle.workflowId,
      account: 'default',
      mcpServerId: INPUT.mcpServerId,
      tool: INPUT.tool,
      mode: 'fully-automated',
      ...result,
      timeline: [
        { at: view.createdAt, event: 'started' },
        { at: view.updatedAt, event: 'finished', status: 'error', code: 'invalid-arguments' },
      ],
      createdAt: view.createdAt,
      updatedAt: view.updatedAt,
    });
    expect(JSON.stringify(view)).not.toContain('soon');
  });

  test('with null in every optional field runs like one without them', async ({ steps }) => {
    const { arguments: _, ...required } = INPUT;
    const nothing = Object.fromEntries(OPTIONAL_FIELDS.map((name) => [name, null]));
    const step = await steps.start({ invokeTool: [completed] }, { args: [{ ...required, ...nothing }] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.inputs('invokeTool')[0]).toMatchObject({ arguments: {}, inactivityTimeoutMs: 300_000 });
    expect((await step.view()).stepId).toBe(stepIdOf(step));
  });

  // A step that continues as new hands itself a second argument.
  test.for([
    ['null', null],
    ['a string', 'x'],
    ['an empty object', {}],
    ['a record of nonsense', { record: { createdAt: 7, timeline: 'x' }, progress: 'x' }],
    [
      'a forged past',
      {
        record: { createdAt: '1970-01-01T00:00:00.000Z', timeline: [{ at: 'x', event: 'approved' }] },
        progress: { justRenewed: 7, approvedArguments: { forged: true }, unanswered: { since: 0, times: 0 } },
      },
    ],
  ] as const)('ignores %s as a second argument', async ([_, second], { steps }) => {
    const step = await steps.start({ invokeTool: [completed] }, { args: [INPUT, second] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const { createdAt, timeline } = await step.view();
    expect(Date.parse(createdAt)).toBeGreaterThan(Date.parse('2026-01-01'));
    expect(timeline.map((entry) => entry.event)).toStrictEqual(['started', 'finished']);
    expect(step.play.inputs('invokeTool')[0]).not.toHaveProperty('justRenewed');
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });
});

async function expectUneventful(events: Promise<string[]>): Promise<void> {
  expect(await events).toStrictEqual([
    'workflowExecutionStarted',
    ...['workflowTaskScheduled', 'workflowTaskStarted', 'workflowTaskCompleted'],
    // The memo, for lists.
    'workflowPropertiesModified',
    'workflowExecutionCompleted',
  ]);
}
