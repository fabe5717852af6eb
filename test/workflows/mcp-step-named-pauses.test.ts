import { describe, expect } from 'vitest';
import { pauseOf } from '../../src/contracts/pause-of.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, RESULT } from './outcomes.ts';
import { held } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const EDITED = { customer: 'ACME', amount: 41 };

const test = testWithTimeSkipping();

describe('a decision about an earlier pause of the same kind', () => {
  test('is refused, leaves no trace, and the step waits on', async ({ steps }) => {
    const { step, first } = await askedTwice(steps);
    const before = await step.view();

    await expect(step.resolve({ action: 'fail', pause: first })).rejects.toThrow('NotWaiting');

    expect(await step.view()).toStrictEqual(before);
    expect(await updatesOf(step)).toBe(1);
  });

  test('is applied where it does not name the pause, as older pages send it', async ({ steps }) => {
    const { step } = await askedTwice(steps);

    await expect(step.resolve({ action: 'fail' })).resolves.toMatchObject({ status: 'error' });
  });

  test('leaves a decision about the present pause its effect', async ({ steps }) => {
    const { step, first, second } = await askedTwice(steps);

    const said = await Promise.allSettled([
      step.resolve({ action: 'fail', pause: first }),
      step.resolve({ action: 'retry', pause: second }),
    ]);

    expect(said.map(({ status }) => status)).toStrictEqual(['rejected', 'fulfilled']);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

describe('a decision about the present pause', () => {
  test.for([
    ['approve', 'success'],
    ['reject', 'skipped'],
  ] as const)('is applied: %s', async ([decision, status], { steps }) => {
    const { step, pause } = await askedForApproval(steps);
    await expect(step[decision]({ pause: 'another' })).rejects.toThrow('NotWaiting');

    await step[decision]({ pause });

    await expect(step.result()).resolves.toMatchObject({ status });
  });

  test('is applied with an edit, which is checked first', async ({ steps }) => {
    const { step, pause } = await askedForApproval(steps);
    const edit = (named: string) => step.approve({ pause: named, arguments: EDITED });
    await expect(edit('another')).rejects.toThrow('NotWaiting');
    expect(step.play.order).toStrictEqual([]);

    await edit(pause);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')).toMatchObject([{ arguments: EDITED }]);
  });

  test('is applied where a client in another language sends null for the name', async ({ steps }) => {
    const { step } = await askedForApproval(steps);

    // The cast sends what TypeScript would not.
    await step.approve({ pause: null } as never);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

test.for([7, {}, 'x'.repeat(65)])(
  'a name that no pause can have is invalid: %j',
  async (pause, { steps }) => {
    const { step } = await askedForApproval(steps);

    // The casts send what TypeScript would not.
    await expect(step.approve({ pause } as never)).rejects.toThrow('Invalid');
    await expect(step.reject({ pause } as never)).rejects.toThrow('Invalid');
  },
);

/** A step whose call was lost, was made again, and was lost again. */
async function askedTwice(steps: TimeSkippingSteps) {
  const again = held(lost);
  const step = await steps.start({ invokeTool: [lost, again, completed] });
  const first = pauseOf(await step.until('awaiting-input')) ?? '';
  await step.resolve({ action: 'retry' });
  await again.reached;
  again.release();
  const second = pauseOf(await step.until('awaiting-input')) ?? '';
  expect(second).not.toBe(first);
  return { step, first, second };
}

async function askedForApproval(steps: TimeSkippingSteps) {
  const script = { checkArguments: [{ kind: 'valid' } as const], invokeTool: [completed] };
  const step = await steps.start(script, { args: [{ ...INPUT, mode: 'automated-with-confirmation' }] });
  return { step, pause: pauseOf(await step.until('awaiting-input')) ?? '' };
}

async function updatesOf(step: ScriptedStep): Promise<number> {
  return (await step.events()).filter((event) => event === 'workflowExecutionUpdateAccepted').length;
}
