import { createHash, randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { stepWorkflowId, stepWorkflowIds } from '../../src/contracts/step-workflow-id.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT } from './outcomes.ts';
import { INPUT, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const LONG = 'ü'.repeat(255);

const test = testWithTimeSkipping();

const start = (steps: TimeSkippingSteps, workflowId: string, input: object) =>
  steps.start({ invokeTool: [completed] }, { workflowId, args: [{ ...INPUT, ...input }] });

describe('a step without a stepId', () => {
  test.for([
    ['ada', (id: string) => `step/ada/${id}`],
    ["o'brien/é", (id: string) => `step/o%27brien%2F%C3%A9/${id}`],
    ['encoded in another way', (id: string) => `step/%65ncoded%20in%20another%20way/${id}`],
    [LONG, (id: string) => stepWorkflowId(LONG, id)],
    [
      'in the form of before, '.repeat(9),
      (id: string) => stepWorkflowIds('in the form of before, '.repeat(9), id)[1],
    ],
  ] as const)('of %s has the step id of its workflow id', async ([userId, workflowIdOf], { steps }) => {
    const stepId = randomUUID();
    const step = await start(steps, workflowIdOf(stepId) ?? '', { userId });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(await step.view()).toMatchObject({ stepId, status: 'success' });
  });

  test.for(['', 'a/', 'step/', 'step/ada/a/b/', 'steps/ada/', 'step/100%/a/'])(
    'has its whole workflow id where that has another form: %s',
    async (prefix, { steps }) => {
      const step = await start(steps, `${prefix}${randomUUID()}`, {});

      await expect(step.result()).resolves.toStrictEqual(SUCCESS);

      expect((await step.view()).stepId).toBe(step.handle.workflowId);
    },
  );
});

describe('a workflow id of a step', () => {
  test.for([
    ['names another user', () => `step/dev/${randomUUID()}`, {}, ['userId']],
    ['names another user, encoded', () => `step/%64ev/${randomUUID()}`, {}, ['userId']],
    ['names another user in lower case', () => `step/a%2fb/${randomUUID()}`, {}, ['userId']],
    ['differs in case', () => `step/Ada/${randomUUID()}`, {}, ['userId']],
    ['names nobody', () => `step/%zz/${randomUUID()}`, {}, ['userId']],
    ['holds the hash of another user', () => stepWorkflowId(LONG, randomUUID()), {}, ['userId']],
    ['holds the hash of a short id', () => `step/%~${sha256('ada')}/${randomUUID()}`, {}, ['userId']],
    ['names another step', () => `step/ada/${randomUUID()}`, { stepId: 'another' }, ['stepId']],
    ['names another of both', () => `step/dev/${randomUUID()}`, { stepId: 'another' }, ['userId', 'stepId']],
    ['holds the hash of a step', () => stepWorkflowId('ada', 'x'.repeat(120)), {}, ['stepId']],
    [
      'names another user beside an unknown field',
      () => `step/dev/${randomUUID()}`,
      { expires: 1 },
      ['expires', 'userId'],
    ],
  ] as const)(
    'that %s calls nothing, and says what differs',
    async ([_, workflowIdOf, input, named], { steps }) => {
      const step = await start(steps, workflowIdOf(), input);

      const result = await step.result();

      expect(result).toMatchObject({ status: 'error', error: { code: 'invalid-arguments' } });
      const message = 'error' in result ? result.error.message : '';
      expect(message.split('; ').map((problem) => problem.split(' ')[0])).toStrictEqual(named);
      expect(step.play.order).toStrictEqual([]);
    },
  );

  test('that agrees with the input is accepted', async ({ steps }) => {
    const stepId = 'x'.repeat(120);
    const step = await start(steps, stepWorkflowId('ada', stepId), { stepId });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect((await step.view()).stepId).toBe(stepId);
  });
});

test('a part of more than 100 bytes is replaced by a mark and its SHA-256', () => {
  expect(stepWorkflowId(LONG, 'x')).toBe(`step/%~${sha256(encodeURIComponent(LONG))}/x`);
  expect(stepWorkflowId('ada', 'x'.repeat(101))).toBe(`step/ada/%~${sha256('x'.repeat(101))}`);
  expect(stepWorkflowId('a'.repeat(100), 'x'.repeat(100))).toBe(`step/${'a'.repeat(100)}/${'x'.repeat(100)}`);
  expect(stepWorkflowId(LONG, 'x'.repeat(128)).length).toBeLessThan(255);
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
