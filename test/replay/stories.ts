import { randomUUID } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, type SignalDefinition } from '@temporalio/common';
import { expect, vi } from 'vitest';
import {
  credentialDeposited,
  credentialsRestored,
  historyRestored,
  serverResumed,
} from '../../src/contracts/messages.ts';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import type { McpStepInput } from '../../src/contracts/step.ts';
import { MEMO_KEY, stepMemo } from '../../src/contracts/step-memo.ts';
import {
  completed,
  insufficientScope,
  keyMissing,
  lost,
  NOTHING_EXPIRED,
  notSent,
  RESULT,
  reauthRequired,
  renewed,
  seen,
  serverPaused,
  tokenStale,
  tooManyCalls,
  unauthorized,
} from '../workflows/outcomes.ts';
import {
  CONNECT_URL,
  held,
  type Script,
  throwing,
  untilCancelled,
} from '../workflows/scripted-activities.ts';
import { INPUT, type ScriptedStep, type ScriptedSteps } from '../workflows/scripted-steps.ts';

/** Plays one path through the workflows to its end, and answers whose history it was. */
export type Story = (steps: ScriptedSteps) => Promise<ScriptedStep>;

const WAIT = { wait: true, connectUrl: CONNECT_URL };
const MOVED_ON = { wait: false, connectUrl: CONNECT_URL };
const DESCRIBED = { kind: 'described' } as const;
const later = throwing(
  ApplicationFailure.create({ type: 'TryLater', message: 'not now', nextRetryDelay: '100ms' }),
);

/** As clients start it: with memo and search attributes. */
function start(steps: ScriptedSteps, script: Script, input: Partial<McpStepInput> = {}) {
  const stepId = randomUUID();
  const args = { ...INPUT, stepId, ...input };
  return steps.start(script, {
    workflowId: `step/${INPUT.userId}/${stepId}`,
    args: [args],
    memo: { [MEMO_KEY]: { ...stepMemo(args), createdAt: new Date().toISOString() } },
    typedSearchAttributes: stepSearchAttributes(args),
  });
}

function plays(script: Script, input?: Partial<McpStepInput>): Story {
  return (steps) => start(steps, script, input);
}

/** Deposits once for every pause, in the versions 2, 3, … */
function depositsAtEachPause(pauses: number, script: Script): Story {
  return async (steps) => {
    const step = await start(steps, script);
    for (let pause = 1; pause <= pauses; pause += 1) {
      await hasPaused(step, pause);
      await step.deposit(pause + 1);
    }
    return step;
  };
}

async function hasPaused(step: ScriptedStep, times: number): Promise<void> {
  await step.untilView(
    ({ status, timeline }) =>
      status === 'awaiting-input' &&
      timeline.filter(({ event }) => event === 'awaiting-input').length === times,
  );
}

/** The step is told in its pause, registers again, and goes on: its user has connected in the time that is lost. */
function restoredInPause(restored: SignalDefinition): Story {
  return async (steps) => {
    const step = await start(
      steps,
      { invokeTool: [reauthRequired(seen(1)), completed], registerWaiter: [WAIT, MOVED_ON] },
      { sideEffects: 'idempotent' },
    );
    await hasPaused(step, 1);
    await step.handle.signal(restored);
    return step;
  };
}

function whenAsked(
  decide: (step: ScriptedStep) => Promise<unknown>,
  script: Script,
  input?: Partial<McpStepInput>,
): Story {
  return async (steps) => {
    const step = await start(steps, script, input);
    await step.until('awaiting-input');
    await decide(step);
    return step;
  };
}

const CLIENT_REFUSED = {
  kind: 'misconfigured',
  message: 'register it again',
  clientRefused: 'invalid_client',
} as const;
async function serverHasPaused(step: ScriptedStep): Promise<void> {
  await step.untilView(({ timeline }) => timeline.at(-1)?.event === 'server-paused');
}

const SERVER = { mcpServerId: INPUT.mcpServerId };

/** More signals than a pause takes before the step continues as new. */
const STORM = 60;

/** Sends signals that mean nothing until the step has continued as new in its pause, which goes on. */
export async function continuedInPause(step: ScriptedStep): Promise<void> {
  const { runId } = await step.handle.describe();
  await step.until('awaiting-input');
  await continuedByStorm(step, runId);
  await step.until('awaiting-input');
}

async function continuedByStorm(step: ScriptedStep, runId: string): Promise<void> {
  for (let sent = 0; sent < STORM; sent += 1) await step.rawSignal('credentialDeposited', NONSENSE);
  await vi.waitFor(async () => expect((await step.handle.describe()).runId).not.toBe(runId), {
    timeout: 30_000,
    interval: 100,
  });
}

const NONSENSE = { encoding: 'json/plain', data: '{}' };

const WITH_CONFIRMATION = { mode: 'automated-with-confirmation' } as const;
const CONFIRM_DESTRUCTIVE = { mode: 'confirm-destructive' } as const;

/** Every path that a step takes, by name: one history of each is kept for good. */
export const STEP_STORIES: Record<string, Story> = {
  success: plays({ invokeTool: [completed] }),
  'tool-error': plays({ invokeTool: [{ kind: 'completed', isError: true, result: RESULT }] }),
  'invalid-arguments': plays({}, { tool: '' }),
  forbidden: plays({ invokeTool: [{ kind: 'failed', code: 'forbidden', message: 'no' }] }),
  renewal: plays({
    invokeTool: [tokenStale(seen(1)), completed],
    refreshToken: [later, renewed(seen(1, 2))],
  }),
  'renewal-after-401': plays({
    invokeTool: [unauthorized(seen(1)), completed],
    refreshToken: [renewed(seen(1, 2))],
  }),
  'renewal-misconfigured': plays({
    invokeTool: [tokenStale(seen(1))],
    refreshToken: [{ kind: 'misconfigured', message: 'the authorization server refuses the refresh' }],
  }),
  'renewal-out-of-time': plays(
    { invokeTool: [tokenStale(seen(1))], refreshToken: Array.from({ length: 50 }, () => later) },
    { timeouts: { unavailable: '1s' } },
  ),
  'key-missing': plays({ invokeTool: [keyMissing, keyMissing, completed] }),
  'key-missing-for-good': plays(
    { invokeTool: Array.from({ length: 50 }, () => keyMissing) },
    { timeouts: { unavailable: '2s' } },
  ),
  'renewal-without-key': plays({
    invokeTool: [unauthorized(seen(1)), completed],
    refreshToken: [keyMissing, renewed(seen(1, 2))],
  }),
  pause: depositsAtEachPause(1, { invokeTool: [reauthRequired(seen(1)), completed] }),
  'pause-of-another-account': async (steps) => {
    const script = { invokeTool: [reauthRequired(seen(1)), completed] };
    const step = await start(steps, script, { account: 'work' });
    await hasPaused(step, 1);
    await step.deposit(2);
    const { mcpServerId } = INPUT;
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'work', version: 2 });
    return step;
  },
  'pause-after-refused-renewal': depositsAtEachPause(1, {
    invokeTool: [tokenStale(seen(1)), completed],
    refreshToken: [reauthRequired(seen(1), 'refresh-outcome-lost')],
  }),
  'pause-for-rejected-token': depositsAtEachPause(1, {
    invokeTool: [unauthorized(seen(1)), unauthorized(seen(1, 2)), completed],
    refreshToken: [renewed(seen(1, 2))],
  }),
  'two-pauses': depositsAtEachPause(2, {
    invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(2)), completed],
  }),
  'pause-that-a-deposit-overtook': plays({
    invokeTool: [reauthRequired(seen(1)), completed],
    registerWaiter: [{ wait: false, connectUrl: 'https://latchkey.example/connect/ledger' }],
  }),
  'pause-with-a-forged-signal': async (steps) => {
    const step = await start(steps, {
      invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(1)), completed],
    });
    await step.until('awaiting-input');
    await step.rawSignal('credentialDeposited', { encoding: 'json/plain', data: 'not json' });
    await step.deposit(2 ** 53);
    await step.untilView(({ status, timeline }) => status === 'awaiting-input' && timeline.length === 4);
    await step.deposit(2);
    return step;
  },
  'reauth-timed-out': plays({ invokeTool: [reauthRequired(seen(1))] }, { timeouts: { reauth: '1s' } }),
  'scope-pause': depositsAtEachPause(1, { invokeTool: [insufficientScope(seen(1), ['b']), completed] }),
  'scope-refused-twice': depositsAtEachPause(1, {
    invokeTool: [insufficientScope(seen(1), ['b']), insufficientScope(seen(2), ['b'])],
  }),
  approval: whenAsked((step) => step.approve(), { invokeTool: [completed] }, WITH_CONFIRMATION),
  'approval-with-edited-arguments': whenAsked(
    (step) => step.approve({ arguments: { customer: 'ACME', amount: 1 } }, 'grace'),
    { checkArguments: [{ kind: 'valid' }], invokeTool: [completed] },
    WITH_CONFIRMATION,
  ),
  'approval-with-refused-arguments': whenAsked(
    async (step) => {
      await step.approve({ arguments: { amount: 'x' } }).catch(() => undefined);
      await step.approve();
    },
    { checkArguments: [{ kind: 'invalid', message: 'amount must be a number' }], invokeTool: [completed] },
    WITH_CONFIRMATION,
  ),
  rejection: whenAsked((step) => step.reject({ reason: 'not now' }), {}, WITH_CONFIRMATION),
  'approval-timed-out': plays({}, { ...WITH_CONFIRMATION, timeouts: { approval: '1s' } }),
  'confirmed-destructive': whenAsked(
    (step) => step.approve(),
    { describeTool: [DESCRIBED], invokeTool: [completed] },
    CONFIRM_DESTRUCTIVE,
  ),
  'not-destructive': plays(
    {
      describeTool: [{ kind: 'described', annotations: { readOnlyHint: true } }],
      invokeTool: [completed],
    },
    CONFIRM_DESTRUCTIVE,
  ),
  'outcome-unknown-retried': whenAsked((step) => step.resolve({ action: 'retry' }), {
    invokeTool: [lost, completed],
    describeTool: [DESCRIBED],
  }),
  'outcome-unknown-succeeded': whenAsked(
    (step) => step.resolve({ action: 'succeed', result: RESULT }, 'grace'),
    { invokeTool: [lost], describeTool: [DESCRIBED] },
  ),
  'outcome-unknown-failed': whenAsked((step) => step.resolve({ action: 'fail' }), {
    invokeTool: [throwing(new Error('a bug'))],
    describeTool: [DESCRIBED],
  }),
  'outcome-unknown-timed-out': plays(
    { invokeTool: [lost], describeTool: [DESCRIBED] },
    { timeouts: { resolution: '1s' } },
  ),
  'lost-and-read-only': plays({ invokeTool: [lost, completed] }, { sideEffects: 'read-only' }),
  'lost-and-idempotent-by-annotation': plays({
    invokeTool: [lost, completed],
    describeTool: [{ kind: 'described', annotations: { idempotentHint: true } }],
  }),
  'server-away': plays({ invokeTool: [notSent(100), notSent(), completed] }),
  'server-unavailable': plays(
    { invokeTool: Array.from({ length: 9 }, () => notSent()) },
    { timeouts: { unavailable: '1s' } },
  ),
  'history-restored': async (steps) => {
    const step = await start(steps, {
      invokeTool: [reauthRequired(seen(1)), completed],
      describeTool: [DESCRIBED],
    });
    await step.until('awaiting-input');
    await step.handle.signal(historyRestored);
    await step.deposit(2);
    await step.untilView(({ awaitingInputReason }) => awaitingInputReason === 'outcome-unknown');
    await step.resolve({ action: 'retry' });
    return step;
  },
  'history-restored-in-a-pause': restoredInPause(historyRestored),
  'credentials-restored-in-a-pause': restoredInPause(credentialsRestored),
  'credentials-restored-and-scope-asked-again': async (steps) => {
    const step = await start(steps, {
      invokeTool: [insufficientScope(seen(1), ['b']), insufficientScope(seen(1_000), ['b']), completed],
      registerWaiter: [WAIT, MOVED_ON, WAIT],
    });
    await step.until('awaiting-input');
    await step.handle.signal(credentialsRestored);
    await hasPaused(step, 2);
    await step.deposit(1_001);
    return step;
  },
  'token-ran-out': plays({
    invokeTool: [unauthorized(seen(1)), unauthorized(seen(1, 2)), completed],
    refreshToken: [renewed(seen(1, 2))],
    registerWaiter: [{ wait: false, ranOut: true, connectUrl: 'https://latchkey.example/connect/ledger' }],
  }),
  'waiting-for-operator': plays({
    invokeTool: [unauthorized(seen(1)), completed],
    refreshToken: [CLIENT_REFUSED, CLIENT_REFUSED, renewed(seen(1, 2))],
  }),
  'waiting-for-turn': plays({ invokeTool: [tooManyCalls, tooManyCalls, notSent(100), completed] }),
  'paused-server': async (steps) => {
    const looking = held(serverPaused);
    const step = await start(steps, { invokeTool: [notSent(100), serverPaused, looking, completed] });
    await serverHasPaused(step);
    await step.handle.signal(serverResumed, SERVER);
    await looking.reached;
    await step.handle.signal(serverResumed, SERVER);
    looking.release();
    return step;
  },
  'cancelled-while-the-server-is-paused': async (steps) => {
    const step = await start(steps, { invokeTool: [serverPaused] });
    await serverHasPaused(step);
    await step.handle.cancel();
    return step;
  },
  'refused-in-the-words-of-the-server': plays({
    invokeTool: [{ kind: 'failed', code: 'tool-error', message: 'no', serverMessage: 'no such invoice' }],
  }),
  'inexact-number': plays({}, { arguments: { id: 2 ** 60 } }),
  'workflow-id-of-another-user': (steps) =>
    steps.start(
      {},
      { workflowId: 'step/grace/recorded', args: [{ ...INPUT, userId: 'ada', stepId: 'recorded' }] },
    ),
  'workflow-id-without-step-id': (steps) =>
    steps.start({ invokeTool: [completed] }, { workflowId: 'step/ada/recorded', args: [INPUT] }),
  'cancelled-in-pause': whenAsked((step) => step.handle.cancel(), { invokeTool: [reauthRequired(seen(1))] }),
  'cancelled-in-call': async (steps) => {
    const calling = untilCancelled<typeof completed>(completed);
    const step = await start(steps, { invokeTool: [calling] });
    await calling.reached;
    await step.handle.cancel();
    return step;
  },
  'cancelled-while-the-server-is-away': async (steps) => {
    const step = await start(steps, { invokeTool: [notSent(3_600_000)] });
    await step.untilView(({ timeline }) => timeline.some(({ event }) => event === 'waiting-for-server'));
    await step.handle.cancel();
    return step;
  },
};

/** Where histories are long after a few events. */
export const LONG_STORIES: Record<string, Story> = {
  'continued-as-new': async (steps) => {
    const looking = held(reauthRequired(seen(1, 2)));
    const step = await start(steps, {
      invokeTool: [tokenStale(seen(1)), reauthRequired(seen(1, 2)), looking, completed],
      refreshToken: [renewed(seen(1, 2))],
    });
    await step.until('awaiting-input');
    await step.deposit(2 ** 53);
    await looking.reached;
    looking.release();
    await step.until('awaiting-input');
    await step.deposit(2);
    return step;
  },
  'continued-as-new-in-a-pause': async (steps) => {
    const step = await start(steps, { invokeTool: [reauthRequired(seen(1)), completed] });
    await continuedInPause(step);
    await step.deposit(2);
    return step;
  },
  'continued-as-new-before-an-approval': async (steps) => {
    const step = await start(steps, { invokeTool: [completed] }, WITH_CONFIRMATION);
    await continuedInPause(step);
    await step.approve();
    return step;
  },
  'continued-as-new-before-a-resolution': async (steps) => {
    const step = await start(steps, { invokeTool: [lost, completed], describeTool: [DESCRIBED, DESCRIBED] });
    await continuedInPause(step);
    await step.resolve({ action: 'retry' });
    return step;
  },
  'continued-as-new-while-the-server-is-paused': async (steps) => {
    const step = await start(steps, { invokeTool: [serverPaused, completed] });
    const { runId } = await step.handle.describe();
    await serverHasPaused(step);
    await continuedByStorm(step, runId);
    await step.handle.signal(serverResumed, SERVER);
    return step;
  },
  'continued-as-new-after-a-lost-call': whenAsked((step) => step.resolve({ action: 'retry' }), {
    invokeTool: [lost, completed],
    describeTool: [tokenStale(seen(1)), DESCRIBED],
    refreshToken: [renewed(seen(1, 2))],
  }),
};

const KEY = { userId: INPUT.userId, mcpServerId: INPUT.mcpServerId };
const EVENT = {
  id: 'step_recorded',
  payload: {
    type: 'connection.connected',
    timestamp: '2026-01-01T00:00:00.000Z',
    data: { ...KEY, status: 'connected', version: 2 },
  },
} as const;

/** The workflows beside steps. */
export const OTHER_STORIES: Record<string, Story> = {
  'resume-steps': (steps) =>
    steps.start(
      { signalWaiters: [{ signalled: 3, more: true }, later, { signalled: 1, more: false }] },
      { type: 'resumeSteps', args: [{ ...KEY, version: 2 }] },
    ),
  'resume-server': (steps) =>
    steps.start(
      { signalStepsOfServer: [later, 3, 1], endServerResumption: [later, undefined] },
      { type: 'resumeServer', args: [{ ...SERVER, resumption: 7 }] },
    ),
  reconcile: (steps) =>
    steps.start(
      {
        startLostWork: [later, { resumptions: 2, revocations: 1 }],
        deleteExpired: [{ ...NOTHING_EXPIRED, results: 1, connectionEvents: 2 }],
      },
      { type: 'reconcile', args: [] },
    ),
  'revoke-grant': (steps) =>
    steps.start({ revokeGrant: [later, undefined] }, { type: 'revokeGrant', args: [KEY] }),
  'renew-idle-grants': (steps) =>
    steps.start(
      {
        listServersWithIdleGrants: [later, ['a', 'b'], []],
        renewIdleGrants: [
          { renewed: 1, reauthRequired: 0, postponed: 0 },
          throwing(ApplicationFailure.nonRetryable('a bug')),
        ],
      },
      { type: 'renewIdleGrants', args: [] },
    ),
  'deliver-webhook': (steps) =>
    steps.start({ deliverWebhook: [later, 'delivered'] }, { type: 'deliverWebhook', args: [EVENT] }),
  'deliver-webhook-given-up': (steps) =>
    steps.start(
      { deliverWebhook: [throwing(new CancelledFailure('no'))] },
      { type: 'deliverWebhook', args: [EVENT] },
    ),
};
