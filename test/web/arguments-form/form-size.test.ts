import { h } from 'preact';
import { render } from 'preact-render-to-string';
import { expect, test, vi } from 'vitest';
import { ArgumentsFields } from '../../../src/web/arguments-form/arguments-fields.tsx';
import { fieldsOf } from '../../../src/web/arguments-form/fields-of.ts';
import { firstValues } from '../../../src/web/arguments-form/form-values.ts';

const SIXTY = Array.from({ length: 60 }, (_, n) => `p${n}`);

/** A schema whose fields all refer to one definition. */
function sharing(definition: object) {
  const properties = Object.fromEntries(SIXTY.map((name) => [name, { $ref: '#/$defs/shared' }]));
  return { type: 'object', properties, $defs: { shared: definition } };
}

test.each([
  ['long choices', { enum: Array.from({ length: 19 }, (_, n) => `${n}`.padEnd(1_000, '"')) }],
  ['many choices', { enum: Array.from({ length: 200 }, (_, n) => `${n}`) }],
  ['long texts', { type: 'string', title: '"'.repeat(1_000), description: '&'.repeat(1_000) }],
])('a form never makes a page of megabytes: %s', (_, definition) => {
  const form = fieldsOf(sharing(definition));
  const html = render(h(ArgumentsFields, { form, values: firstValues(form), view: 'form' }));
  expect(Buffer.byteLength(html)).toBeLessThan(400_000);
});

test('sixty usual fields are a form', () => {
  const schema = sharing({ enum: ['red', 'green', 'blue'], description: 'x'.repeat(300) });
  expect(fieldsOf(schema).kind).toBe('fields');
});

test('a long text is looked at only as far as it is shown', () => {
  const schema = sharing({ type: 'string', title: ' '.repeat(100_000), description: 'é'.repeat(20_000) });
  const texts: number[] = [];
  const { toWellFormed } = String.prototype;
  const spy = vi.spyOn(String.prototype, 'toWellFormed').mockImplementation(function (this: string) {
    texts.push(this.length);
    return toWellFormed.call(this);
  });
  const form = fieldsOf(schema);
  spy.mockRestore();
  expect(form.kind).toBe('fields');
  expect(Math.max(...texts)).toBeLessThan(5_000);
});
