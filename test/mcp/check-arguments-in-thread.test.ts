import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ArgumentsChecker,
  type ArgumentsCheckerOptions,
  type CheckedArguments,
  createArgumentsChecker,
} from '../../src/mcp/check-arguments-in-thread.ts';
import { validateToolArguments } from '../../src/mcp/tool-arguments-thread.mjs';
import { leastDelay } from '../support/longest-delay.ts';

const SCHEMA = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] };
const LIMIT_MS = 1_000;
/** Limits for checks that must succeed on a busy machine. */
const PATIENT = { limitMs: 30_000, queueMs: 30_000 };
const UNCHECKED = { kind: 'unchecked' };

/** Takes two to the power of the depth steps to check. */
const MULTIPLYING = {
  $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }, { $ref: '#/$defs/b' }] }, b: multiplying('a') },
  $ref: '#/$defs/a',
};
const UNIQUE = { properties: { list: { type: 'array', uniqueItems: true } } };
const UNIQUE_ITEMS = Array.from({ length: 12_000 }, (_, n) => ({ n, x: [n] }));
const HUGE_ENUM = {
  properties: {
    list: { items: { enum: Array.from({ length: 5_000 }, (_, n) => ({ n, of: [] })) } },
  },
};

const EXPENSIVE: [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['229 KB of arguments against `uniqueItems`', UNIQUE, { list: UNIQUE_ITEMS }],
  ['branches that multiply', MULTIPLYING, { next: nested(40) }],
  ['an enum of 5,000 objects for 5,000 items', HUGE_ENUM, { list: Array(5_000).fill({ n: 4_999, of: [] }) }],
];

let checker: ArgumentsChecker;

function start(options?: ArgumentsCheckerOptions): void {
  checker = createArgumentsChecker(options);
}

beforeEach(() => start());
afterEach(() => checker.close());

describe('a check in a thread', () => {
  test('says what a check in the main thread says', async () => {
    start(PATIENT);
    for (const args of [{ amount: 7 }, {}, { amount: 'x' }]) {
      expect(await checker.check(SCHEMA, args)).toStrictEqual(validateToolArguments(SCHEMA, args));
    }
    expect(await checker.check({ type: 'nonsense' }, {})).toEqual({ kind: 'valid' });
    expect(await checker.check({ enum: ['x'.repeat(300_000)] }, {})).toEqual({ kind: 'valid' });
  });

  test.each(EXPENSIVE)('ends at its time limit and holds nothing else up: %s', async (_, schema, args) => {
    // The threads have started.
    await Promise.all([checker.check(SCHEMA, {}), checker.check(SCHEMA, {})]);
    const besides: CheckedArguments[] = [];
    const delay = await leastDelay(
      async () => {
        const expensive = checker.check(schema, args);
        besides.push(await checker.check(SCHEMA, { amount: 7 }));
        expect(await expensive).toEqual(UNCHECKED);
      },
      { below: LIMIT_MS / 4 },
    );

    expect(delay).toBeLessThan(LIMIT_MS / 4);
    expect(besides).toContainEqual({ kind: 'valid' });
    await expect.poll(() => checker.check(SCHEMA, { amount: 7 })).toEqual({ kind: 'valid' });
  });

  test('waits for a thread for a limited time', async () => {
    start({ limitMs: 3_000, queueMs: 500 });
    const [, schema, args] = EXPENSIVE[1] ?? ['', {}, {}];
    const busy = [checker.check(schema, args), checker.check(schema, args)];

    expect(await checker.check(SCHEMA, { amount: 7 })).toEqual(UNCHECKED);

    expect(await Promise.all(busy)).toEqual([UNCHECKED, UNCHECKED]);
    await expect.poll(() => checker.check(SCHEMA, { amount: 7 })).toEqual({ kind: 'valid' });
  });

  test('of arguments that nest too deeply ends unchecked', async () => {
    expect(await checker.check(SCHEMA, { amount: nested(5_000) })).toEqual(UNCHECKED);
  });

  test('shortens a long name in its message', async () => {
    const outcome = await checker.check({ required: ['x'.repeat(100_000)] }, {});

    expect(outcome).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/^.{1,500}$/) });
  });
});

describe('in the main thread (negative control)', () => {
  test('the same check holds everything up for longer than it may', () => {
    const since = performance.now();

    validateToolArguments(UNIQUE, { list: UNIQUE_ITEMS.slice(0, 6_000) });

    expect(performance.now() - since).toBeGreaterThan(LIMIT_MS / 4);
  });
});

function multiplying(next: string): Record<string, unknown> {
  const branch = { properties: { next: { $ref: `#/$defs/${next}` } }, required: ['next'] };
  return { anyOf: [branch, branch] };
}

function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let n = 0; n < depth; n++) value = { next: value };
  return value;
}
