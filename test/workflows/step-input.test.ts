import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMEOUTS_MS } from '../../src/contracts/durations.ts';
import { idSchema } from '../../src/schemas/id.ts';
import { stepRequestSchema } from '../../src/schemas/step.ts';
import { parseStepInput, planForBadInput } from '../../src/workflows/step-input.ts';
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

  test.each(NULLS)('differ about null for %s, which other languages send for what is not set', (_, input) => {
    expect(accepted(input)).toStrictEqual({ guard: true, schema: false });
  });
});

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

  test('has the durations that were asked for', () => {
    const timeouts = { call: '90s', reauth: '2 days', unavailable: null };

    expect(parseStepInput({ ...INPUT, timeouts }, 'w')).toMatchObject({
      plan: { timeoutsMs: { ...DEFAULT_TIMEOUTS_MS, call: 1.5 * MINUTE_MS, reauth: 2 * DAY_MS } },
    });
  });

  test.each(BAD_INPUTS)('shows something even for %s', (_, input) => {
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
