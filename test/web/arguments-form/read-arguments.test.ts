import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/web/arguments-form/fields-of.ts';
import type { FormValues } from '../../../src/web/arguments-form/form-field.ts';
import { valuesOf } from '../../../src/web/arguments-form/form-values.ts';
import { readArguments } from '../../../src/web/arguments-form/read-arguments.ts';

const schemaOf = (property: object, required = true) => ({
  type: 'object',
  properties: { x: property },
  ...(required && { required: ['x'] }),
});
const read = (property: object, text: string, required = true) =>
  readArguments(fieldsOf(schemaOf(property, required)), { 'arg.x': text }, 'form');

describe('a field', () => {
  test.each([
    ['a text', { type: 'string' }, ' a  b ', ' a  b '],
    ['a text of several lines', { type: 'string' }, 'a\r\nb\r\n', 'a\nb\n'],
    ['a number', { type: 'number' }, ' -12.50 ', -12.5],
    ['a number with an exponent', { type: 'number' }, '1e3', 1000],
    ['the largest whole number', { type: 'integer' }, '9007199254740991', 9_007_199_254_740_991],
    ['a whole number with a fraction of zero', { type: 'integer' }, '7.0', 7],
    ['yes', { type: 'boolean' }, 'true', true],
    ['no', { type: 'boolean' }, 'false', false],
    ['a choice', { enum: ['a', 'b'] }, '"b"', 'b'],
    ['a choice of a number that another choice writes', { enum: ['1', 1] }, '1', 1],
    ['a list of texts', { type: 'array', items: { type: 'string' } }, 'a b\r\n\r\n c \r\n', ['a b', 'c']],
    ['a list of numbers', { type: 'array', items: { type: 'number' } }, '1\n2.5', [1, 2.5]],
    ['null, where it is empty', { type: ['string', 'null'] }, '', null],
    ['null, by an alternative', { anyOf: [{ type: 'number' }, { type: 'null' }] }, '', null],
  ])('reads %s', async (_, property, text, value) => {
    expect(await read(property, text)).toEqual({ kind: 'read', arguments: { x: value } });
  });

  test.each([
    ['a text', { type: 'string' }],
    ['a number', { type: 'number' }],
    ['yes or no', { type: 'boolean' }],
    ['a list', { type: 'array', items: { type: 'string' } }],
    ['a nullable text', { type: ['string', 'null'] }],
  ])('that is optional and empty leaves %s out', async (_, property) => {
    expect(await read(property, '', false)).toEqual({ kind: 'read', arguments: {} });
  });

  test.each([
    ['a whole number that a double rounds', { type: 'integer' }, '9007199254740993', /rounded/],
    ['a fraction that a double rounds', { type: 'number' }, '0.12345678901234567891', /rounded/],
    ['a number beyond all doubles', { type: 'number' }, '1e999', /rounded/],
    ['a fraction as a whole number', { type: 'integer' }, '1.5', /whole number/],
    ['words as a number', { type: 'number' }, 'many', /must be a number/],
    ['a number with a comma', { type: 'number' }, '1,5', /must be a number/],
    ['a number in another base', { type: 'integer' }, '0x10', /must be a whole number/],
    ['a number of a thousand digits', { type: 'integer' }, '1'.repeat(1_000), /must be a whole number/],
    ['another choice', { enum: ['a'] }, '"b"', /choices/],
    [
      'a rounded number in a list',
      { type: 'array', items: { type: 'integer' } },
      '1\n\n9007199254740993',
      /line 2: it .*rounded/,
    ],
    ['nothing', { type: 'string' }, '', /is required/],
  ])('refuses %s, at its place', async (_, property, text, message) => {
    expect(await read(property, text)).toEqual({
      kind: 'refused',
      problems: [{ path: ['x'], message: expect.stringMatching(message) }],
      values: { 'arg.x': text },
      readable: {},
    });
  });
});

test('an edit keeps what the form does not show and what was not changed', async () => {
  const schema = { properties: { a: { type: 'string' }, n: { type: 'number' }, gone: { type: 'string' } } };
  const original = { a: 'x', n: null, gone: 'y', hidden: { deep: [1] } };
  const shown = valuesOf(fieldsOf(schema), original, 'form');
  const edited = { ...shown, 'arg.a': 'z', 'arg.gone': '' };
  expect(await readArguments(fieldsOf(schema), edited, 'form', original)).toEqual({
    kind: 'read',
    arguments: { a: 'z', n: null, hidden: { deep: [1] } },
  });
});

describe('a form of another schema', () => {
  const original = { path: '/tmp/x', dryRun: true };
  const sent = { 'arg.path': '/tmp/y' };

  test('changes nothing of which it sent no input', async () => {
    const properties = { path: { type: 'string' }, dryRun: { type: 'boolean' } };
    expect(await readArguments(fieldsOf({ properties }), sent, 'form', original)).toEqual({
      kind: 'read',
      arguments: { path: '/tmp/y', dryRun: true },
    });
  });

  test.each(['form', 'json'] as const)('is refused where there are no fields: %s', async (view) => {
    for (const before of [original, undefined]) {
      const read = await readArguments(fieldsOf({ anyOf: [{}] }), sent, view, before);
      expect(read).toMatchObject({ kind: 'refused', problems: [{ path: [] }], values: sent });
    }
  });
});

describe('the JSON view', () => {
  const readJson = (text: string) => readArguments(fieldsOf({}), { arguments: text }, 'json');

  test('reads an object, and nothing as an empty one', async () => {
    expect(await readJson('{"a": [1, {"b": null}]}')).toEqual({
      kind: 'read',
      arguments: { a: [1, { b: null }] },
    });
    expect(await readJson(' ')).toEqual({ kind: 'read', arguments: {} });
  });

  test.each([
    ['something else than an object', '[1]', [], /must be a JSON object/],
    ['broken JSON', '{\n "a": }', [], /not valid JSON/],
    ['a number that would be rounded', '{"a": {"id": 9007199254740993}}', ['a', 'id'], /rounded/],
    ['a prototype', '{"a": {"__proto__": {}}}', [], /not allowed/],
    ['a prototype in escapes', '{"\\u005f_proto__": {}}', [], /not allowed/],
    ["a constructor's prototype", '{"constructor": {"prototype": {}}}', [], /not allowed/],
    ['endless nesting', `{"a": ${'['.repeat(200)}${']'.repeat(200)}}`, [], /nests deeper/],
  ])('refuses %s', async (_, text, path, message) => {
    expect(await readJson(text)).toEqual({
      kind: 'refused',
      problems: [{ path, message: expect.stringMatching(message) }],
      values: { arguments: text },
    });
  });
});

/** What a browser sends of a form that nobody changed. https://html.spec.whatwg.org/#constructing-the-form-data-set */
function asBrowserSends(values: FormValues): FormValues {
  return Object.fromEntries(
    Object.entries(values).map(([name, text]) => [
      name,
      text.replace(/\r\n?/g, '\n').replaceAll('\0', '\uFFFD').toWellFormed().replaceAll('\n', '\r\n'),
    ]),
  );
}

describe('a form that nobody changed', () => {
  const TYPES: Record<string, { schema: object; values: unknown[] }> = {
    text: {
      schema: { type: 'string' },
      values: ['', ' ', 'a\r\nb', 'a\rb', '\0', '\ud800', '"', '<b>', 'null'],
    },
    number: { schema: { type: 'number' }, values: [0, -0, 1e21, 5e-324, 0.1, -7, 1.5e300] },
    integer: { schema: { type: 'integer' }, values: [0, 9_007_199_254_740_991] },
    boolean: { schema: { type: 'boolean' }, values: [true, false] },
    choice: {
      schema: { enum: ['', 'a', 1, '1', true, 'true', null] },
      values: ['', 'a', 1, '1', true, 'true', null],
    },
    texts: {
      schema: { type: 'array', items: { type: 'string' } },
      values: [[], ['a'], [''], ['a\nb'], [' a '], ['a', '', 'b']],
    },
    numbers: { schema: { type: 'array', items: { type: 'integer' } }, values: [[], [1, 2, 3]] },
    nullable: { schema: { type: ['string', 'null'] }, values: [null, '', 'x'] },
    json: { schema: { type: 'object' }, values: [{}, { a: [null] }] },
    date: { schema: { type: 'string', format: 'date' }, values: ['2026-01-31', 'soon', ''] },
  };
  // A value may be of another type than its schema says: the step was started with it all the same.
  const everyValue = Object.values(TYPES).flatMap(({ values }) => values);

  test.each(Object.keys(TYPES))('gives back the same arguments: %s', async (type) => {
    const { schema: own } = TYPES[type] ?? {};
    for (const isRequired of [true, false]) {
      const form = fieldsOf({
        type: 'object',
        properties: { x: own, 'strange name/%&"': own },
        required: isRequired ? ['x', 'strange name/%&"'] : [],
      });
      for (const value of everyValue) {
        const args = { x: value, 'strange name/%&"': value };
        const sent = asBrowserSends(valuesOf(form, args, 'form'));
        expect(await readArguments(form, sent, 'form', args)).toStrictEqual({
          kind: 'read',
          arguments: args,
        });
      }
    }
  });
});
