import { describe, expect } from 'vitest';
import type { StepMode, ToolAnnotations } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import {
  completed,
  lost,
  notSent,
  RESULT,
  reauthRequired,
  renewed,
  seen,
  tokenStale,
  unauthorized,
} from './outcomes.ts';
import { held, type Script, throwing } from './scripted-activities.ts';
import { INPUT, type ScriptedStep, type TimeSkippingSteps } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const WAITS = { status: 'awaiting-input', awaitingInputReason: 'needs-approval' };
const EDITED = { customer: 'ACME', amount: 41 };
const DAY_MS = 24 * 3_600_000;

const test = testWithTimeSkipping();

describe('a step asks for approval', () => {
  test('never when it is fully automated', async ({ steps }) => {
    const step = await start(steps, 'fully-automated', { invokeTool: [completed] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test('always when its mode wants confirmation, before any call, and shows the arguments', async ({
    steps,
  }) => {
    const step = await start(steps, 'automated-with-confirmation', { invokeTool: [completed] });

    const view = await step.until('awaiting-input');

    expect(view).toMatchObject({ ...WAITS, pending: { arguments: INPUT.arguments } });
    expect(view.pending).not.toHaveProperty('annotations');
    expect(view.timeline.at(-1)).toMatchObject({ event: 'awaiting-input', reason: 'needs-approval' });
    expect(step.play.order).toStrictEqual([]);
  });

  test('never in confirm-destructive when a trusted server calls the tool read-only', async ({ steps }) => {
    const step = await start(steps, 'confirm-destructive', {
      describeTool: [{ kind: 'described', annotations: { readOnlyHint: true } }],
      invokeTool: [completed],
    });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  const others: ToolAnnotations[] = [{}, { readOnlyHint: false }, { destructiveHint: false, title: 'Send' }];
  test.for(others)('in confirm-destructive when a trusted server says %o', async (annotations, { steps }) => {
    const step = await start(steps, 'confirm-destructive', {
      describeTool: [{ kind: 'described', annotations }],
    });

    expect(await step.until('awaiting-input')).toMatchObject({ ...WAITS, pending: { annotations } });
  });

  test('in confirm-destructive when the server is not trusted', async ({ steps }) => {
    const step = await start(steps, 'confirm-destructive', { describeTool: [{ kind: 'described' }] });

    expect((await step.until('awaiting-input')).pending).toStrictEqual({ arguments: INPUT.arguments });
  });

  test('once the tools can be listed, after a renewal and a deposit', async ({ steps }) => {
    const step = await start(steps, 'confirm-destructive', {
      describeTool: [
        ...[notSent(), tokenStale(seen(1)), reauthRequired(seen(1, 2))],
        { kind: 'described', annotations: {} },
      ],
      refreshToken: [renewed(seen(1, 2))],
    });
    expect((await step.until('awaiting-input')).awaitingInputReason).toBe('needs-oauth-reauth');

    await step.deposit(2);

    await step.untilView((view) => view.awaitingInputReason === 'needs-approval');
    expect(step.play.inputs('invokeTool')).toStrictEqual([]);
  });

  test('not at all when the server has no such tool', async ({ steps }) => {
    const failed = { kind: 'failed', code: 'unknown-tool', message: 'no such tool' } as const;
    const step = await start(steps, 'confirm-destructive', { describeTool: [failed] });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'unknown-tool' } });
  });
});

describe('approving', () => {
  test('makes the call that was asked about, and says who approved', async ({ steps }) => {
    const step = await startAsked(steps, { invokeTool: [completed] });

    const answer = await step.approve({}, 'grace');

    expect(answer).toMatchObject({ status: 'running' });
    expect(answer).not.toHaveProperty('pending');
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(argumentsOf(step)).toStrictEqual([INPUT.arguments]);
    expect(await entryOf(step, 'approved')).toMatchObject({ by: 'grace', edited: false });
    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test.for([
    ['no argument', []],
    ['null', [null]],
    ['arguments of null', [{ arguments: null }]],
    ['a name that is none', [{}, 7]],
  ] as const)('works with %s', async ([_, message], { steps }) => {
    const step = await startAsked(steps, { invokeTool: [completed] });

    // The cast sends what clients in other languages do.
    await step.approve(...(message as []));

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(argumentsOf(step)).toStrictEqual([INPUT.arguments]);
    expect(await entryOf(step, 'approved')).not.toHaveProperty('by');
  });

  test('with an edit checks the edit, and calls with it', async ({ steps }) => {
    const step = await startAsked(steps, { checkArguments: [{ kind: 'valid' }], invokeTool: [completed] });

    await step.approve({ arguments: EDITED }, 'grace');

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('checkArguments')).toMatchObject([{ tool: INPUT.tool, arguments: EDITED }]);
    expect(argumentsOf(step)).toStrictEqual([EDITED]);
    expect(await entryOf(step, 'approved')).toMatchObject({ by: 'grace', edited: true });
  });

  test.for([
    ['the schema refuses', 'Invalid', { kind: 'invalid', message: '/amount: must be number' }],
    ['can’t be checked now', 'Unchecked', { kind: 'unchecked', message: 'the server is away' }],
  ] as const)(
    'with an edit that %s is refused, and the step still waits',
    async ([_, refusal, outcome], { steps }) => {
      const step = await startAsked(steps, { checkArguments: [outcome], invokeTool: [completed] });

      const refused = await step.approve({ arguments: { amount: 'x' } }).catch((error: Error) => error);

      expect(refused).toMatchObject({ message: refusal, cause: { message: outcome.message } });
      expect(await step.view()).toMatchObject({ ...WAITS, pending: { arguments: INPUT.arguments } });
      expect((await step.view()).timeline).toHaveLength(2);
      await step.approve();
      await expect(step.result()).resolves.toStrictEqual(SUCCESS);
      expect(argumentsOf(step)).toStrictEqual([INPUT.arguments]);
    },
  );

  test('with an edit is refused where the check itself fails', async ({ steps }) => {
    const broken = throwing(new Error('out of memory'));
    const step = await startAsked(steps, { checkArguments: [broken, broken] });

    await expect(step.approve({ arguments: EDITED })).rejects.toThrow('Unchecked');

    expect(await step.view()).toMatchObject(WAITS);
  });

  test('by two people at once counts once, tells the other one and calls the tool once', async ({
    steps,
  }) => {
    const step = await startAsked(steps, { checkArguments: [{ kind: 'valid' }], invokeTool: [completed] });

    const said = await Promise.allSettled([
      step.approve({ arguments: EDITED }, 'ada'),
      step.approve({}, 'grace'),
    ]);

    expect(said.map(({ status }) => status).sort()).toStrictEqual(['fulfilled', 'rejected']);
    expect(said.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: 'NotWaiting' },
    });
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')).toHaveLength(1);
  });

  test('by a faster person leaves an edit without effect', async ({ steps }) => {
    const checking = held({ kind: 'valid' } as const);
    const step = await startAsked(steps, { checkArguments: [checking], invokeTool: [completed] });
    const slow = step.approve({ arguments: EDITED }, 'ada').catch((error: Error) => error);
    await checking.reached;
    await step.approve({}, 'grace');
    checking.release();

    expect(await slow).toMatchObject({ message: 'NotWaiting' });
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(argumentsOf(step)).toStrictEqual([INPUT.arguments]);
    expect(await entryOf(step, 'approved')).toMatchObject({ by: 'grace' });
  });

  test('survives whatever comes before the call: the user is not asked twice, and the edit is called', async ({
    steps,
  }) => {
    const step = await startAsked(steps, {
      checkArguments: [{ kind: 'valid' }],
      invokeTool: [tokenStale(seen(1)), notSent(), reauthRequired(seen(1, 2)), lost, completed],
      refreshToken: [renewed(seen(1, 2))],
    });

    await step.approve({ arguments: EDITED });
    await step.untilView((view) => view.awaitingInputReason === 'needs-oauth-reauth');
    await step.deposit(2);
    await step.untilView((view) => view.awaitingInputReason === 'outcome-unknown');
    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(argumentsOf(step)).toStrictEqual(Array(5).fill(EDITED));
    const pauses = (await step.view()).timeline.flatMap(({ reason }) => reason ?? []);
    expect(pauses).toStrictEqual(['needs-approval', 'needs-oauth-reauth', 'outcome-unknown']);
  });

  test('after days does not count a token that was renewed before as new', async ({ steps }) => {
    const step = await start(steps, 'confirm-destructive', {
      describeTool: [tokenStale(seen(1)), { kind: 'described', annotations: {} }],
      invokeTool: [unauthorized(seen(1, 2)), completed],
      refreshToken: [renewed(seen(1, 2)), renewed(seen(1, 3))],
    });
    await step.until('awaiting-input');
    await steps.sleep(3 * DAY_MS);

    await step.approve();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')[0]).not.toHaveProperty('justRenewed');
  });
});

describe('rejecting', () => {
  test('ends the step as skipped without a call', async ({ steps }) => {
    const step = await startAsked(steps, {});

    const answer = await step.reject({ reason: 'wrong customer' }, 'grace');

    expect(answer).toMatchObject({ status: 'skipped' });
    await expect(step.result()).resolves.toStrictEqual({ status: 'skipped', reason: 'wrong customer' });
    expect(await entryOf(step, 'rejected')).toMatchObject({ by: 'grace' });
    expect(await step.view()).not.toHaveProperty('pending');
    expect(step.play.order).toStrictEqual([]);
  });

  test('needs no reason', async ({ steps }) => {
    const step = await startAsked(steps, {});

    await step.reject();

    await expect(step.result()).resolves.toStrictEqual({ status: 'skipped', reason: 'rejected' });
  });
});

function start(
  steps: TimeSkippingSteps,
  mode: StepMode,
  script: Script,
  changes = {},
): Promise<ScriptedStep> {
  return steps.start(script, { args: [{ ...INPUT, mode, ...changes }] });
}

/** A step that waits for approval. */
async function startAsked(steps: TimeSkippingSteps, script: Script, changes = {}): Promise<ScriptedStep> {
  const step = await start(steps, 'automated-with-confirmation', script, changes);
  await step.until('awaiting-input');
  return step;
}

function argumentsOf(step: ScriptedStep): unknown[] {
  return step.play.inputs('invokeTool').map((input) => input.arguments);
}

async function entryOf(step: ScriptedStep, event: string) {
  return (await step.view()).timeline.find((entry) => entry.event === event);
}
