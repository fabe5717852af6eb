import { afterAll, describe, expect, test } from 'vitest';
import { createArgumentsChecker } from '../../src/mcp/check-arguments-in-thread.ts';
import { findArgumentProblems } from '../../src/mcp/tool-arguments-thread.mjs';

const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 3 },
    count: { type: 'integer', minimum: 1 },
    day: { type: 'string', format: 'date' },
    colour: { enum: ['red', 'green'] },
    lines: { type: 'array', minItems: 1, items: { type: 'object', required: ['id'] } },
    'a/b~c': { type: 'boolean' },
    note: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }] },
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
  },
  required: ['name'],
  additionalProperties: false,
};

describe('the problems of arguments', () => {
  test.each([
    ['a required field', {}, ['name'], 'is required'],
    ['a short text', { name: 'x' }, ['name'], 'must have at least 2 characters'],
    ['a long text', { name: 'xxxx' }, ['name'], 'must have at most 3 characters'],
    ['another type', { name: 7 }, ['name'], 'must be a text'],
    ['a fraction', { name: 'ab', count: 1.5 }, ['count'], 'must be a whole number'],
    ['a small number', { name: 'ab', count: 0 }, ['count'], 'must be at least 1'],
    ['no date', { name: 'ab', day: 'soon' }, ['day'], 'must be a date such as 2026-01-31'],
    ['another value', { name: 'ab', colour: 'blue' }, ['colour'], 'must be one of "red", "green"'],
    ['an empty list', { name: 'ab', lines: [] }, ['lines'], 'must not be empty'],
    ['a nested field', { name: 'ab', lines: [{ id: 1 }, {}] }, ['lines', '1', 'id'], 'is required'],
    ['an escaped name', { name: 'ab', 'a/b~c': 1 }, ['a/b~c'], 'must be true or false'],
    ['an unknown field', { name: 'ab', 'x y': 1 }, ['x y'], 'is not a known field'],
    ['an alternative beside null', { name: 'ab', note: '' }, ['note'], 'must not be empty'],
    [
      'no alternative',
      { name: 'ab', either: true },
      ['either'],
      'does not fit the tool: no alternative of its schema allows it',
    ],
  ])('are at their places: %s', (_, args, path, message) => {
    expect(findArgumentProblems(SCHEMA, args)).toEqual({ kind: 'invalid', problems: [{ path, message }] });
  });

  test('are all found, and at most fifty are told', () => {
    const found = findArgumentProblems(SCHEMA, { count: 0, day: 'x' });
    expect(found).toMatchObject({ problems: [{ path: ['name'] }, { path: ['count'] }, { path: ['day'] }] });
    const many = { name: 'ab', lines: Array.from({ length: 1_000 }, () => ({})) };
    const { problems } = findArgumentProblems(SCHEMA, many) as { problems: unknown[] }; // Invalid, as the test before shows.
    expect(problems).toHaveLength(50);
  });

  test('do not repeat values, and are cut', () => {
    const secret = 'secret-value';
    const schema = { properties: { a: { type: 'string', maxLength: 1 } }, additionalProperties: false };
    const found = JSON.stringify(findArgumentProblems(schema, { a: secret, ['x'.repeat(10_000)]: secret }));
    expect(found).not.toContain(secret);
    expect(found.length).toBeLessThan(1_500);
  });

  test.each([
    ['does not compile', { type: 'nonsense' }],
    ['points to itself', { $ref: '#' }],
  ])('are none for a schema that %s', (_, schema) => {
    expect(findArgumentProblems(schema, { a: 1 })).toEqual({ kind: 'valid' });
  });
});

describe('the checker', () => {
  const checker = createArgumentsChecker({ limitMs: 30_000, queueMs: 30_000 });
  afterAll(() => checker.close());

  test('finds the same in a thread, and says one message to those who ask for one', async () => {
    const args = { count: 0 };
    expect(await checker.findProblems(SCHEMA, args)).toStrictEqual(findArgumentProblems(SCHEMA, args));
    expect(await checker.findProblems(SCHEMA, { name: 'ab' })).toEqual({ kind: 'valid' });
    expect(await checker.check(SCHEMA, args)).toStrictEqual({
      kind: 'invalid',
      message: "the arguments: must have required property 'name'",
    });
  });
});
