import { describe, expect } from 'vitest';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT } from './outcomes.ts';
import { held, type Script } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'needs-approval' };
const EDITED = { customer: 'ACME', amount: 41 };
const DAY_MS = 24 * 3_600_000;

const test = testWithTimeSkipping();

describe('a step that waits for approval', () => {
  test.for([
    ['the deadline of 30 days', {}, 30],
    ['a deadline of its own', { timeouts: { approval: '2 days' } }, 2],
  ] as const)('ends at %s without a decision', async ([_, changes, days], { steps }) => {
    const step = await startAsked(steps, {}, changes);
    const { updatedAt } = await step.view();

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'approval-timed-out' } });

    const waited = Date.parse((await step.view()).updatedAt) - Date.parse(updatedAt);
    expect(waited).toBeGreaterThanOrEqual(days * DAY_MS);
    expect(waited).toBeLessThan(days * DAY_MS + 60_000);
    expect(step.play.order).toStrictEqual([]);
  });

  test('refuses an approval that is still being checked at the deadline', async ({ steps }) => {
    const checking = held({ kind: 'valid' } as const);
    const step = await startAsked(steps, { checkArguments: [checking] }, { timeouts: { approval: '5s' } });
    const late = step.approve({ arguments: EDITED }).catch((error: Error) => error);
    await checking.reached;
    await step.untilView(({ status }) => status === 'error');
    checking.release();

    expect(await late).toMatchObject({ message: 'NotWaiting' });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'approval-timed-out' } });
  });

  test.for([
    ['a list of arguments', (step: ScriptedStep) => step.approve({ arguments: [] } as never), 'Invalid'],
    ['an unknown field', (step: ScriptedStep) => step.approve({ args: {} } as never), 'Invalid'],
    ['a word', (step: ScriptedStep) => step.approve('yes' as never), 'Invalid'],
    ['a reason that is no text', (step: ScriptedStep) => step.reject({ reason: 7 } as never), 'Invalid'],
    ['a reason without end', (step: ScriptedStep) => step.reject({ reason: 'x'.repeat(2_049) }), 'Invalid'],
    ['a resolution', (step: ScriptedStep) => step.resolve({ action: 'retry' }), 'NotWaiting'],
  ] as const)('refuses %s and leaves no trace of it', async ([_, decide, refusal], { steps }) => {
    const step = await startAsked(steps, {});

    await expect(decide(step)).rejects.toThrow(refusal);

    expect(await step.view()).toMatchObject(WAITS);
    expect((await step.events()).filter((event) => event.includes('Update'))).toStrictEqual([]);
  });

  test('can be cancelled, also while an edit is checked', async ({ steps }) => {
    const checking = held({ kind: 'valid' } as const);
    const step = await startAsked(steps, { checkArguments: [checking] });
    const late = step.approve({ arguments: EDITED }).catch((error: Error) => error);
    await checking.reached;

    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    checking.release();
    expect(await late).toBeInstanceOf(Error);
    expect(await step.view()).not.toHaveProperty('pending');
    expect(step.play.inputs('invokeTool')).toStrictEqual([]);
  });

  test('does not wait a second time once it is approved', async ({ steps }) => {
    const calling = held(completed);
    const step = await startAsked(steps, { invokeTool: [calling] });
    await step.approve();
    await calling.reached;

    await expect(step.approve()).rejects.toThrow('NotWaiting');
    await expect(step.reject()).rejects.toThrow('NotWaiting');
    calling.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

/** A step that waits for approval. */
async function startAsked(steps: TimeSkippingSteps, script: Script, changes = {}): Promise<ScriptedStep> {
  const args = [{ ...INPUT, mode: 'automated-with-confirmation', ...changes }];
  const step = await steps.start(script, { args });
  await step.until('awaiting-input');
  return step;
}
