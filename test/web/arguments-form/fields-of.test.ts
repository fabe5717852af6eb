import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/web/arguments-form/fields-of.ts';
import type { FormField } from '../../../src/web/arguments-form/form-field.ts';

const withProperty = (x: unknown, more: object = {}) => ({
  type: 'object',
  properties: { other: { type: 'string' }, x },
  ...more,
});

function fieldOf(schema: unknown): FormField | undefined {
  const form = fieldsOf(schema);
  return form.kind === 'fields' ? form.fields.find(({ property }) => property === 'x') : undefined;
}

const choices = (...values: unknown[]) => ({
  kind: 'choice',
  choices: values.map((value) => ({
    value,
    label: typeof value === 'string' ? value : JSON.stringify(value),
  })),
});

describe('a property', () => {
  test.each([
    ['a text', { type: 'string' }, { kind: 'text', format: 'plain' }],
    ['a long text', { type: 'string', maxLength: 5_000 }, { kind: 'text', format: 'long' }],
    ['a date', { type: 'string', format: 'date' }, { kind: 'text', format: 'date' }],
    ['a time', { type: 'string', format: 'date-time' }, { kind: 'text', format: 'date-time' }],
    ['an email address', { type: 'string', format: 'email' }, { kind: 'text', format: 'email' }],
    ['a URL', { type: 'string', format: 'uri' }, { kind: 'text', format: 'uri' }],
    ['an unknown format', { type: 'string', format: 'x' }, { kind: 'text', format: 'plain' }],
    ['a number', { type: 'number' }, { kind: 'number', isWhole: false }],
    ['a whole number', { type: 'integer' }, { kind: 'number', isWhole: true }],
    ['yes or no', { type: 'boolean' }, { kind: 'boolean' }],
    ['one of several', { enum: ['a', 1, true, null] }, choices('a', 1, true, null)],
    ['one value', { const: 'a' }, choices('a')],
    [
      'titled values',
      { oneOf: [{ const: 1, title: 'One' }, { const: 2 }] },
      {
        kind: 'choice',
        choices: [
          { value: 1, label: 'One' },
          { value: 2, label: '2' },
        ],
      },
    ],
    ['texts', { type: 'array', items: { type: 'string' } }, { kind: 'lines', entry: 'text' }],
    ['numbers', { type: 'array', items: { type: 'number' } }, { kind: 'lines', entry: 'number' }],
    [
      'whole numbers',
      { type: 'array', items: { type: 'integer' } },
      { kind: 'lines', entry: 'whole-number' },
    ],
    ['objects in a list', { type: 'array', items: { type: 'object' } }, { kind: 'json' }],
    ['a list of anything', { type: 'array' }, { kind: 'json' }],
    ['an object', { type: 'object', properties: {} }, { kind: 'json' }],
    ['several types', { type: ['string', 'number'] }, { kind: 'json' }],
    ['alternatives', { anyOf: [{ type: 'string' }, { type: 'number' }] }, { kind: 'json' }],
    ['anything', true, { kind: 'json' }],
    ['nothing said', {}, { kind: 'json' }],
    ['objects to choose from', { enum: [{}, []] }, { kind: 'json' }],
    ['thousands to choose from', { enum: Array.from({ length: 1_000 }, (_, n) => n) }, { kind: 'json' }],
    ['a rule beside alternatives', { oneOf: [{ type: 'string' }], not: {} }, { kind: 'json' }],
  ])('of %s has an input for it', (_, schema, input) => {
    expect(fieldOf(withProperty(schema))?.input).toEqual(input);
  });

  test.each([
    ['two types', { type: ['string', 'null'] }],
    ['two alternatives', { anyOf: [{ type: 'string' }, { type: 'null' }] }],
    ['a reference and null', { anyOf: [{ $ref: '#/$defs/named' }, { type: 'null' }] }],
  ])('may be null, written as %s', (_, schema) => {
    const field = fieldOf(withProperty(schema, { $defs: { named: { type: 'string' } } }));
    expect(field).toMatchObject({ isNullable: true, input: { kind: 'text', format: 'plain' } });
  });

  test('is found by a reference to the same schema, and no other', () => {
    const definitions = { colour: { title: 'Colour', enum: ['red'] }, a: { $ref: '#/$defs/a' } };
    const named = ($ref: string) => fieldOf(withProperty({ $ref }, { $defs: definitions }));
    expect(named('#/$defs/colour')).toMatchObject({ label: 'Colour', input: choices('red') });
    for (const other of ['#/$defs/a', '#/$defs/none', '#/$defs/__proto__', 'https://a.example/x', '#']) {
      expect(named(other)?.input).toEqual({ kind: 'json' });
    }
  });

  test('says its name, what it is for and its limits', () => {
    const schema = {
      type: 'integer',
      title: 'How many',
      description: 'Copies.',
      minimum: 1,
      maximum: 5,
      default: 2,
    };
    expect(fieldOf(withProperty(schema, { required: ['x'] }))).toMatchObject({
      label: 'How many',
      hint: 'Copies. From 1 to 5.',
      isRequired: true,
      default: 2,
    });
    expect(fieldOf(withProperty({ type: 'integer' }))).toMatchObject({
      label: 'x',
      hint: '',
      isRequired: false,
    });
  });

  test('with long texts is cut', () => {
    const long = 'x'.repeat(100_000);
    const field = fieldOf(withProperty({ type: 'string', title: long, description: long }));
    expect(field?.label.length).toBeLessThan(200);
    expect(field?.hint.length).toBeLessThan(600);
  });
});

describe('a schema', () => {
  const properties = { a: { type: 'string' } };

  test.each([
    ['has no properties', { type: 'object' }],
    ['is no object', null],
    ['is true', true],
    ['is of another type', { type: 'array', properties }],
    ['refers elsewhere', { $ref: '#/$defs/a', properties }],
    ['has alternatives', { anyOf: [{ required: ['a'] }], properties }],
    ['has conditions', { if: {}, properties }],
    ['has only nested properties', { properties: { a: { type: 'object' }, b: { type: 'array' } } }],
    [
      'has a property that changes prototypes',
      JSON.parse('{"properties": {"__proto__": {"type": "string"}}}'),
    ],
    ['has a name that is too long', { properties: { ['x'.repeat(200)]: { type: 'string' } } }],
    ['has a name that is not Unicode', { properties: { '\ud800': { type: 'string' } } }],
    [
      'has too many properties',
      { properties: Object.fromEntries(Array.from({ length: 61 }, (_, n) => [n, { type: 'string' }])) },
    ],
  ])('that %s is no form', (_, schema) => {
    expect(fieldsOf(schema)).toEqual({ kind: 'json' });
  });

  test.each([
    ['properties that are none', { properties: {} }],
    ['no other properties', { type: 'object', additionalProperties: false }],
  ])('with %s takes no arguments', (_, schema) => {
    expect(fieldsOf(schema)).toEqual({ kind: 'fields', fields: [] });
  });

  test('lists what it requires first', () => {
    const form = fieldsOf({
      properties: { a: {}, b: { type: 'string' }, c: { type: 'string' } },
      required: ['c'],
    });
    expect(form).toMatchObject({ fields: [{ property: 'c' }, { property: 'a' }, { property: 'b' }] });
  });
});
