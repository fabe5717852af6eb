import { h } from 'preact';
import { render } from 'preact-render-to-string';
import { describe, expect, test } from 'vitest';
import { ArgumentsFields } from '../../../src/web/arguments-form/arguments-fields.tsx';
import { fieldsOf } from '../../../src/web/arguments-form/fields-of.ts';
import { valuesOf } from '../../../src/web/arguments-form/form-values.ts';

const DATE = { properties: { x: { type: 'string', format: 'date' } } };
const TEXT = { properties: { x: { type: 'string' } } };

function fieldFor(schema: object, x: unknown): string {
  const form = fieldsOf(schema);
  return render(h(ArgumentsFields, { form, values: valuesOf(form, { x }, 'form'), view: 'form' }));
}

describe('a value that its usual input would change', () => {
  test.each([
    ['a date', DATE, '2026-01-31', /type="date" value="2026-01-31"/],
    ['a date that does not exist', DATE, '2026-02-30', /type="text" value="2026-02-30"/],
    ['a year that browsers do not know', DATE, '0000-01-01', /type="text" value="0000-01-01"/],
    ['no date', DATE, 'soon', /type="text" value="soon"/],
    ['a text', TEXT, 'a', /<input type="text" value="a"/],
    ['two lines', TEXT, 'a\nb', /<textarea[^>]*>\na\nb<\/textarea>/],
    ['a number for a text', TEXT, 7, /<textarea id="json\.x"[^>]*>\n7<\/textarea>/],
  ])('has another input: %s', (_, schema, value, input) => {
    expect(fieldFor(schema, value)).toMatch(input);
  });
});

test('problems are at their fields, and those without a field are listed', () => {
  const problems = [
    { path: ['x', '0', 'id'], message: 'is required' },
    { path: ['other'], message: 'is not a known field' },
    { path: [], message: 'must have at least 2 fields' },
  ];
  const form = fieldsOf(TEXT);
  const html = render(h(ArgumentsFields, { form, values: {}, problems, view: 'form' }));
  expect(html).toContain('<p class="complaint" id="arg.x-problem">0.id is required.</p>');
  expect(html).toContain('<a href="#arg.x"><bdi>x</bdi></a>: 0.id is required');
  expect(html).toContain('Other is not a known field.');
  expect(html).toContain('The arguments: must have at least 2 fields.');
  const json = render(h(ArgumentsFields, { form, values: { arguments: '{' }, problems, view: 'json' }));
  expect(json).toContain('href="#arguments"');
  expect(json).toContain('aria-invalid="true"');
});
