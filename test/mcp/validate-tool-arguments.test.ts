import { describe, expect, test } from 'vitest';
import { validateToolArguments } from '../../src/mcp/tool-arguments-thread.mjs';

const SCHEMA = {
  type: 'object',
  properties: { amount: { type: 'number' }, day: { type: 'string', format: 'date' } },
  required: ['amount'],
  additionalProperties: false,
};

const valid = { kind: 'valid' };
const invalid = (message: string) => ({ kind: 'invalid', message });

describe('arguments', () => {
  test.each([
    ['fit', { amount: 7, day: '2026-01-01' }, valid],
    ['lack one', {}, invalid("the arguments: must have required property 'amount'")],
    [
      'have one too many',
      { amount: 7, secret: 'x' },
      invalid('the arguments: must NOT have additional properties'),
    ],
    ['have one of another type', { amount: 'secret' }, invalid('/amount: must be number')],
    ['have one in another format', { amount: 7, day: 'soon' }, invalid('/day: must match format "date"')],
  ])('that %s are described without their values', (_, args, verdict) => {
    expect(validateToolArguments(SCHEMA, args)).toStrictEqual(verdict);
  });

  test.each([
    ['2020-12, unless it says otherwise', { prefixItems: [{ type: 'number' }] }, undefined],
    ['2020-12', { prefixItems: [{ type: 'number' }] }, 'https://json-schema.org/draft/2020-12/schema'],
    ['draft 7', { items: [{ type: 'number' }] }, 'http://json-schema.org/draft-07/schema#'],
  ])('are judged by the rules of %s', (_, list, $schema) => {
    const schema = { ...($schema && { $schema }), type: 'object', properties: { list } };
    expect(validateToolArguments(schema, { list: [1] })).toEqual(valid);
    expect(validateToolArguments(schema, { list: ['1'] })).toEqual(invalid('/list/0: must be number'));
  });
});

describe('a schema', () => {
  test.each([
    ['does not compile', { type: 'nonsense' }],
    ['points elsewhere', { $ref: 'https://example.com/schema' }],
    ['points to itself for ever', { $ref: '#' }],
    ['is far too large', { enum: ['x'.repeat(300_000)] }],
  ])('that %s refuses nothing: the server judges', (_, schema) => {
    expect(validateToolArguments(schema, { amount: 'x' })).toEqual(valid);
  });

  test('that asks for asynchronous validation is still checked', () => {
    expect(validateToolArguments({ ...SCHEMA, $async: true }, {})).toMatchObject({ kind: 'invalid' });
  });

  test('of the same $id as another server’s does not get in its way', () => {
    const schemas = [{ type: 'object' }, { type: 'object', required: ['a'] }];
    const verdicts = schemas.map((schema) => validateToolArguments({ $id: 'tool', ...schema }, {}).kind);
    expect(verdicts).toEqual(['valid', 'invalid']);
  });

  test('with an endless regular expression is answered at once', () => {
    const evil = '^(a+)+$';
    const args = { name: `${'a'.repeat(40)}!`, [`${'a'.repeat(40)}!`]: 1 };
    const schema = {
      properties: { name: { type: 'string', pattern: evil } },
      patternProperties: { [evil]: { type: 'number' } },
      additionalProperties: false,
    };
    expect(validateToolArguments(schema, args)).toEqual(valid);
  }, 5_000);
});
