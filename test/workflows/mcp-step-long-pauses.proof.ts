import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { completed, insufficientScope, lost, notSent, RESULT, reauthRequired, seen } from './outcomes.ts';
import type { Script } from './scripted-activities.ts';
import { createScriptedSteps, INPUT, type ScriptedStep, type ScriptedSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
/** More events than a pause has to add before it goes on in a new run. */
const STORM = 60;
/** As few as this server takes of one run; elsewhere it is 2,000. */
const UPDATES_AT_MOST = 25;
const REFUSED = { kind: 'invalid', message: 'no' } as const;
const ASKED = { ...INPUT, mode: 'automated-with-confirmation' } as const;

let temporal: TestTemporal;
let steps: ScriptedSteps;

// A server of its own: here a history is long after a few events.
beforeAll(async () => {
  quietTemporal();
  temporal = await startOwnTemporal({
    'limit.historyCount.suggestContinueAsNew': 30,
    'history.maxTotalUpdates': UPDATES_AT_MOST,
  });
  steps = createScriptedSteps(temporal);
  await steps.startWorker();
});

afterAll(async () => {
  await steps.stop();
  await temporal.close();
});

interface Pause {
  script: Script;
  input?: Partial<typeof INPUT> & Record<string, unknown>;
  end: (step: ScriptedStep) => Promise<unknown>;
  order: string[];
}

const PAUSES: [string, Pause][] = [
  [
    'a deposit',
    {
      script: { invokeTool: [reauthRequired(seen(1)), completed] },
      end: (step) => step.deposit(2),
      order: ['invokeTool', 'registerWaiter', 'registerWaiter', 'invokeTool'],
    },
  ],
  [
    'more scope',
    {
      script: { invokeTool: [insufficientScope(seen(1), ['write']), completed] },
      end: (step) => step.deposit(2),
      order: ['invokeTool', 'registerWaiter', 'registerWaiter', 'invokeTool'],
    },
  ],
  [
    'approval',
    {
      script: { invokeTool: [completed] },
      input: { mode: 'automated-with-confirmation' },
      end: (step) => step.approve({}, 'grace'),
      order: ['invokeTool'],
    },
  ],
  [
    'approval of what a trusted server says of its tool',
    {
      script: {
        describeTool: [{ kind: 'described', annotations: { destructiveHint: true } }],
        invokeTool: [completed],
      },
      input: { mode: 'confirm-destructive' },
      end: (step) => step.approve({}, 'grace'),
      order: ['describeTool', 'invokeTool'],
    },
  ],
  [
    'what became of its call',
    {
      script: { invokeTool: [lost, completed] },
      end: (step) => step.resolve({ action: 'retry' }, 'grace'),
      order: ['invokeTool', 'describeTool', 'invokeTool'],
    },
  ],
];

test.each(PAUSES)(
  'many signals while a step waits for %s lead to a new run that still waits',
  async (_, pause) => {
    const step = await steps.start(pause.script, { args: [{ ...INPUT, ...pause.input }] });
    // A view from before the task has ended may show other times than those that history keeps.
    await expect.poll(() => step.events(), { timeout: 30_000 }).toContain('timerStarted');
    const paused = await step.until('awaiting-input');
    const first = await runIdOf(step);

    await storm(step);

    await expect.poll(() => runIdOf(step)).not.toBe(first);
    expect(await step.view()).toStrictEqual(paused);
    expect(paused).toMatchObject({ status: 'awaiting-input' });
    await pause.end(step);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(pause.order);
    expectContinued(await step.view(), paused);
  },
);

test('many signals while no worker runs are handled by the first task, with a deposit among them', async () => {
  const fleet = createScriptedSteps(temporal);
  const worker = await fleet.startWorker();
  const step = await fleet.start({ invokeTool: [reauthRequired(seen(1)), completed] });
  await step.until('awaiting-input');
  const first = await runIdOf(step);
  await worker.stop();
  await storm(step);
  await step.deposit(2);
  await storm(step);

  await fleet.startWorker();

  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  expect(step.play.inputs('invokeTool')).toHaveLength(2);
  expect(step.play.inputs('invokeTool').map((call) => call.idempotencyKey)).toStrictEqual([first, first]);
  await fleet.stop();
});

test('the deadline of a pause is the same in a new run', async () => {
  const timeouts = { approval: '20s' };
  const step = await steps.start({}, { args: [{ ...ASKED, timeouts }] });
  const paused = await step.until('awaiting-input');
  const first = await runIdOf(step);

  await storm(step);
  await expect.poll(() => runIdOf(step)).not.toBe(first);

  await expect(step.result()).resolves.toMatchObject({ error: { code: 'approval-timed-out' } });
  const { updatedAt } = await step.view();
  const waited = Date.parse(updatedAt) - Date.parse(paused.updatedAt);
  expect(waited).toBeGreaterThanOrEqual(19_900);
});

test('a wait for the server continues in a new run with its full time', async () => {
  const step = await steps.start({ invokeTool: [notSent(20_000), completed] });
  const waiting = await step.untilView((view) => view.timeline.at(-1)?.event === 'waiting-for-server');
  const first = await runIdOf(step);

  await storm(step);
  await expect.poll(() => runIdOf(step)).not.toBe(first);

  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  const { updatedAt } = await step.view();
  expect(Date.parse(updatedAt) - Date.parse(waiting.updatedAt)).toBeGreaterThanOrEqual(19_900);
  expect(step.play.order).toStrictEqual(['invokeTool', 'invokeTool']);
});

test('a step whose edits are refused again and again can still be approved and edited', async () => {
  const edits = 3 * UPDATES_AT_MOST;
  const edited = { amount: 7 };
  const step = await steps.start(
    {
      checkArguments: [...Array.from({ length: edits }, () => REFUSED), { kind: 'valid' }],
      invokeTool: [completed],
    },
    { args: [ASKED] },
  );
  await step.until('awaiting-input');

  for (let n = 0; n < edits; n += 1) {
    await expect(step.approve({ arguments: { n } }, `user-${n % 4}`)).rejects.toThrow('Invalid');
  }

  await expect(step.approve({ arguments: edited }, 'ada')).resolves.toMatchObject({ status: 'running' });
  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  expect(step.play.inputs('invokeTool')).toMatchObject([{ arguments: edited }]);
});

test('a user whose edits were refused thirty times within a minute is refused by a validator, and others are not', async () => {
  const step = await steps.start(
    {
      checkArguments: [...Array.from({ length: 30 }, () => REFUSED), { kind: 'valid' }],
      invokeTool: [completed],
    },
    { args: [ASKED] },
  );
  await step.until('awaiting-input');
  for (let n = 0; n < 30; n += 1) {
    await expect(step.approve({ arguments: { n } }, 'ada')).rejects.toThrow('Invalid');
  }
  await expect(step.approve({ arguments: {} }, 'ada')).rejects.toThrow('TooMany');
  const before = await step.events();

  for (let n = 0; n < 2 * UPDATES_AT_MOST; n += 1) {
    await expect(step.approve({ arguments: { n } }, 'ada')).rejects.toThrow('TooMany');
  }

  expect(await step.events()).toStrictEqual(before);
  expect(step.play.inputs('checkArguments')).toHaveLength(30);
  await expect(step.approve({ arguments: { amount: 8 } }, 'grace')).resolves.toMatchObject({
    status: 'running',
  });
  await expect(step.result()).resolves.toStrictEqual(SUCCESS);
});

async function storm(step: ScriptedStep): Promise<void> {
  const signals = Array.from({ length: STORM }, () => step.deposit(1));
  await Promise.all(signals);
}

async function runIdOf(step: ScriptedStep): Promise<string> {
  return (await step.handle.describe()).runId;
}

function expectContinued(later: StepView, earlier: StepView): void {
  expect(later.createdAt).toBe(earlier.createdAt);
  expect(later.timeline.slice(0, earlier.timeline.length)).toStrictEqual(earlier.timeline);
}
