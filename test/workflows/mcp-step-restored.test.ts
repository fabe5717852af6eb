import { describe, expect, vi } from 'vitest';
import { credentialsRestored, historyRestored } from '../../src/contracts/messages.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, insufficientScope, lost, notSent, RESULT, reauthRequired, seen } from './outcomes.ts';
import { CONNECT_URL, held } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNKNOWN = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const WAIT = { wait: true, connectUrl: CONNECT_URL };
const MOVED_ON = { wait: false, connectUrl: CONNECT_URL };
const WITH_CONFIRMATION = { args: [{ ...INPUT, mode: 'automated-with-confirmation' }] };

const test = testWithTimeSkipping();

const tell = (step: ScriptedStep) => step.handle.signal(historyRestored);

async function pausedAndTold(
  steps: TimeSkippingSteps,
  script: Parameters<TimeSkippingSteps['start']>[0],
  input = INPUT,
) {
  const step = await steps.start(
    { ...script, invokeTool: [reauthRequired(seen(1)), ...(script.invokeTool ?? [])] },
    { args: [input] },
  );
  await step.until('awaiting-input');
  await tell(step);
  await step.deposit(2);
  return step;
}

describe('a step that is told that its history was restored', () => {
  test('asks a person before it calls, and then calls once', async ({ steps }) => {
    const step = await pausedAndTold(steps, { invokeTool: [completed] });
    await step.untilView(({ awaitingInputReason }) => awaitingInputReason === 'outcome-unknown');
    expect(step.play.inputs('invokeTool')).toHaveLength(1);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')).toHaveLength(2);
  });

  test('calls without asking if the call is safe to repeat', async ({ steps }) => {
    const input = { ...INPUT, sideEffects: 'idempotent' as const };
    const step = await pausedAndTold(steps, { invokeTool: [completed] }, input);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('asks after the approval when it was told while waiting for approval', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [completed] }, WITH_CONFIRMATION);
    await step.until('awaiting-input');
    await tell(step);

    await step.approve();

    expect(await step.until('awaiting-input')).toMatchObject(UNKNOWN);
    expect(step.play.inputs('invokeTool')).toEqual([]);
  });

  test('asks instead of calling when it was told while waiting for the server', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [notSent(60_000)] });
    await step.untilView(({ timeline }) => timeline.some(({ event }) => event === 'waiting-for-server'));
    await tell(step);

    await steps.sleep(61_000);

    expect(await step.until('awaiting-input')).toMatchObject(UNKNOWN);
    expect(step.play.inputs('invokeTool')).toHaveLength(1);
  });

  test('accepts the answer of a call that is under way', async ({ steps }) => {
    const calling = held(completed);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;
    await tell(step);

    calling.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('asks once, however often it is told', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [lost, completed] });
    await step.until('awaiting-input');
    await tell(step);
    await tell(step);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

describe('a step that waits for its user while a database is restored', () => {
  test.for([
    ['history-restored', historyRestored],
    ['credentials-restored', credentialsRestored],
  ] as const)(
    'registers again when it is told of %s and otherwise stays as it is',
    async ([event, restored], { steps }) => {
      const step = await steps.start({ invokeTool: [reauthRequired(seen(3))] });
      await step.until('awaiting-input');

      await step.handle.signal(restored);
      await registrations(step, 2);

      expect(step.play.inputs('registerWaiter').map(({ seen }) => seen)).toEqual([seen(3), seen(3)]);
      const { awaitingInputReason, timeline } = await step.view();
      expect(awaitingInputReason).toBe('needs-oauth-reauth');
      expect(timeline.map(({ event }) => event)).toStrictEqual([...['started', 'awaiting-input', event]]);
      expect(step.play.inputs('invokeTool')).toHaveLength(1);
      await step.handle.cancel();
    },
  );

  test('continues if its user has connected in the time that was lost', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), completed],
      registerWaiter: [WAIT, MOVED_ON],
    });
    await step.until('awaiting-input');

    await step.handle.signal(credentialsRestored);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('registers again when it is told between registering and pausing', async ({ steps }) => {
    const registering = held(WAIT);
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1))],
      registerWaiter: [registering],
    });
    await registering.reached;
    await step.handle.signal(credentialsRestored);

    registering.release();

    await registrations(step, 2);
    await step.handle.cancel();
  });

  test('still wakes with the next deposit, without a question', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    await step.until('awaiting-input');
    await step.handle.signal(credentialsRestored);
    await registrations(step, 2);

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('asks for the scope once more and only once, because the user has not consented yet', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [1, 1_000, 1_001].map((version) => insufficientScope(seen(version), ['b'])),
      registerWaiter: [WAIT, MOVED_ON, WAIT],
    });
    await step.until('awaiting-input');

    await step.handle.signal(credentialsRestored);
    await registrations(step, 3);
    expect(await step.until('awaiting-input')).toMatchObject({ requiredScopes: ['b'] });
    await step.deposit(1_001);

    await expect(step.result()).resolves.toMatchObject({ status: 'error', error: { code: 'forbidden' } });
  });
});

async function registrations(step: ScriptedStep, count: number): Promise<void> {
  await vi.waitFor(() => expect(step.play.inputs('registerWaiter')).toHaveLength(count), { timeout: 20_000 });
}
