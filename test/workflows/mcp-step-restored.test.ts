import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { historyRestored } from '../../src/contracts/messages.ts';
import { completed, lost, notSent, RESULT, reauthRequired, seen } from './outcomes.ts';
import { held } from './scripted-activities.ts';
import {
  INPUT,
  type ScriptedStep,
  startTimeSkippingSteps,
  type TimeSkippingSteps,
} from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const UNKNOWN = { status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' };
const WITH_CONFIRMATION = { args: [{ ...INPUT, mode: 'automated-with-confirmation' }] };

let steps: TimeSkippingSteps;

beforeAll(async () => {
  steps = await startTimeSkippingSteps();
});

afterAll(() => steps.stop());

const tell = (step: ScriptedStep) => step.handle.signal(historyRestored);

async function pausedAndTold(script: Parameters<TimeSkippingSteps['start']>[0], input = INPUT) {
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
  test('asks a person before it calls, and then calls once', async () => {
    const step = await pausedAndTold({ invokeTool: [completed] });
    await step.untilView(({ awaitingInputReason }) => awaitingInputReason === 'outcome-unknown');
    expect(step.play.inputs('invokeTool')).toHaveLength(1);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')).toHaveLength(2);
  });

  test('calls by itself where that is known to be harmless', async () => {
    const input = { ...INPUT, sideEffects: 'idempotent' as const };
    const step = await pausedAndTold({ invokeTool: [completed] }, input);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is told while it waits for approval, and asks once it has it', async () => {
    const step = await steps.start({ invokeTool: [completed] }, WITH_CONFIRMATION);
    await step.until('awaiting-input');
    await tell(step);

    await step.approve();

    expect(await step.until('awaiting-input')).toMatchObject(UNKNOWN);
    expect(step.play.inputs('invokeTool')).toEqual([]);
  });

  test('is told while it waits for the server, and asks instead of calling', async () => {
    const step = await steps.start({ invokeTool: [notSent(60_000)] });
    await step.untilView(({ timeline }) => timeline.some(({ event }) => event === 'waiting-for-server'));
    await tell(step);

    await steps.sleep(61_000);

    expect(await step.until('awaiting-input')).toMatchObject(UNKNOWN);
    expect(step.play.inputs('invokeTool')).toHaveLength(1);
  });

  test('believes the answer of a call that is under way all the same', async () => {
    const calling = held(completed);
    const step = await steps.start({ invokeTool: [calling] });
    await calling.reached;
    await tell(step);

    calling.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('asks one question, however often it is told', async () => {
    const step = await steps.start({ invokeTool: [lost, completed] });
    await step.until('awaiting-input');
    await tell(step);
    await tell(step);

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});
