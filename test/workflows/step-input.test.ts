import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMEOUTS_MS } from '../../src/contracts/durations.ts';
import { UNDECODABLE } from '../../src/contracts/lenient-payload-converter.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { idSchema } from '../../src/schemas/id.ts';
import { stepRequestSchema } from '../../src/schemas/step.ts';
import { checkApproval, checkRejection, checkResolution } from '../../src/workflows/step/decision-guards.ts';
import { parseStepInput, planForBadInput } from '../../src/workflows/step/step-input.ts';
import { INPUT } from './scripted-steps.ts';
import { BAD_INPUTS, GOOD_INPUTS, type InputCases, OPTIONAL_FIELDS, TIMEOUT_NAMES } from './step-inputs.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What HTTP accepts, with the user whom it takes from the token. */
const schema = stepRequestSchema.extend({ userId: idSchema });

const NULLS: InputCases = [
  ...OPTIONAL_FIELDS.map((name): InputCases[0] => [name, { ...INPUT, [name]: null }]),
  ...TIMEOUT_NAMES.map((name): InputCases[0] => [name, { ...INPUT, timeouts: { [name]: null } }]),
];

describe('the guard of the workflow and the schema of HTTP', () => {
  test.each(GOOD_INPUTS)('both accept %s', (_, input) => {
    expect(accepted(input)).toStrictEqual({ guard: true, schema: true });
  });

  test.each(BAD_INPUTS)('both refuse %s', (_, input) => {
    expect(accepted(input)).toStrictEqual({ guard: false, schema: false });
  });

  test.each(NULLS)('differ about null for %s, which other languages send for an unset field', (_, input) => {
    expect(accepted(input)).toStrictEqual({ guard: true, schema: false });
  });
});

test.each([true, false])(
  'notifyParent: %s is for workflows, which HTTP can not start for one',
  (notifyParent) => {
    expect(accepted({ ...INPUT, notifyParent })).toStrictEqual({ guard: true, schema: false });
  },
);

describe('the plan of a step', () => {
  test('has every default filled in', () => {
    const { userId, mcpServerId, tool } = INPUT;
    expect(parseStepInput({ userId, mcpServerId, tool }, 'any/workflow')).toStrictEqual({
      ok: true,
      plan: {
        ...{ userId, mcpServerId, tool },
        arguments: {},
        stepId: 'any/workflow',
        mode: 'fully-automated',
        sideEffects: 'auto',
        timeoutsMs: DEFAULT_TIMEOUTS_MS,
      },
    });
  });

  test('takes null for absent, in every optional field at once', () => {
    const nothing = Object.fromEntries(OPTIONAL_FIELDS.map((name) => [name, null]));
    const { arguments: _, ...required } = INPUT;

    expect(parseStepInput({ ...required, ...nothing }, 'w')).toStrictEqual(parseStepInput(required, 'w'));
  });

  test('has the requested durations', () => {
    const timeouts = { call: '90s', reauth: '2 days', unavailable: null };

    expect(parseStepInput({ ...INPUT, timeouts }, 'w')).toMatchObject({
      plan: { timeoutsMs: { ...DEFAULT_TIMEOUTS_MS, call: 1.5 * MINUTE_MS, reauth: 2 * DAY_MS } },
    });
  });

  test.each(BAD_INPUTS)('has fields to show even for %s', (_, input) => {
    expect(planForBadInput(input, 'any/workflow')).toMatchObject({
      userId: expect.any(String),
      mcpServerId: expect.any(String),
      tool: expect.any(String),
      stepId: 'any/workflow',
    });
  });
});

function accepted(input: unknown): { guard: boolean; schema: boolean } {
  return { guard: parseStepInput(input, 'w').ok, schema: schema.safeParse(input).success };
}

describe('what is wrong with an input', () => {
  const messageFor = (input: unknown, workflowId = 'w') => {
    const parsed = parseStepInput(input, workflowId);
    return parsed.ok ? '' : parsed.message;
  };

  test('is reported for every field in one message, by name and never by value', () => {
    const input = {
      tool: 7,
      mcpServerId: 's',
      mode: 'secret-mode',
      expires: 1,
      timeouts: { call: '2h', lunch: '1h' },
    };

    expect(messageFor(input).split('; ').sort()).toStrictEqual([
      'expires is not a known field',
      'mode must be one of fully-automated, automated-with-confirmation, confirm-destructive',
      'timeouts.call must be at most 1h',
      'timeouts.lunch is not a known field',
      'tool must be a text of 1 to 255 characters',
      'userId is required',
    ]);
  });

  test('includes a workflow id that differs', () => {
    expect(messageFor({ ...INPUT, stepId: 'x', expires: 1 }, 'step/dev/y').split('; ')).toStrictEqual([
      'expires is not a known field',
      'userId is not the user that the workflow id names',
      'stepId is not the step that the workflow id names',
    ]);
  });

  test('is cut when a client causes a megabyte of it', () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${i}${'f'.repeat(500)}`, 1]));

    expect(messageFor({ ...INPUT, ...fields }).length).toBeLessThan(5_000);
    expect(messageFor({ ...INPUT, ...fields })).toMatch(/; and 4980 more$/);
  });

  test.each([
    [checkApproval({ args: {} }), 'args is not a known field'],
    [checkApproval({ arguments: [] }), 'arguments must be an object that nests at most 100 levels deep'],
    [
      checkRejection({ reason: 7, by: 'x' }),
      'reason must be a text of at most 2048 characters; by is not a known field',
    ],
    [checkResolution({}), 'action is required'],
    [
      checkResolution({ action: 'undo', because: 1 }),
      'action must be one of retry, succeed, fail; because is not a known field',
    ],
    [checkResolution({ action: 'retry', result: {} }), 'result only goes with succeed'],
    [checkResolution({ action: 'succeed', result: { content: 'x' } }), 'result.content must be a list'],
    [checkResolution(null), 'the message must be an object that nests at most 100 levels deep'],
    [checkResolution({ action: 'succeed', result: { content: [] } }), undefined],
  ])('is reported for a decision too: %s', (told, message) => {
    expect(told).toBe(message);
  });
});

test('an unreadable input is reported as unreadable', () => {
  const message = expect.stringMatching(/can't be read: it is not JSON \(NaN and Infinity are not\)/);
  expect(parseStepInput(UNDECODABLE, 'w')).toStrictEqual({ ok: false, message });
  expect(checkApproval(UNDECODABLE)).toEqual(message);
  expect(checkResolution(UNDECODABLE)).toEqual(message);
});

test.each([5, 'a b', '', 'x'.repeat(200)])(
  'an invalid stepId is reported once, also under a hashed id: %j',
  (stepId) => {
    const workflowId = stepWorkflowId(INPUT.userId, 'x'.repeat(128));
    expect(parseStepInput({ ...INPUT, stepId }, workflowId)).toStrictEqual({
      ok: false,
      message: 'stepId must be 1–128 of A–Z a–z 0–9 . _ ~ -',
    });
  },
);
