import { isObject } from '../../contracts/is-object.ts';
import { shortText } from '../short-text.ts';
import type { Choice, FieldInput } from './form-field.ts';
import { isScalar, listOf, memberOf, numberOf, textOf } from './json-schema.ts';

const MAX_CHOICES = 200;
const MAX_CHOICE_LABEL = 120;
const MAX_CHOICE_CHARACTERS = 1_000;
const MAX_CHARACTERS_OF_CHOICES = 20_000;
/** From here on a text needs several lines. */
const LONG_TEXT = 200;
const LONG_TEXT_NAMES = new Set(
  'body,code,comment,content,contents,description,html,instructions,markdown,message,note,notes,prompt,query,sql,text'.split(
    ',',
  ),
);
const COMPOSED = ['$ref', 'oneOf', 'anyOf', 'allOf', 'if', 'not'];

/** Returns the input in which a person enters a value of this schema. */
export function fieldInputOf(property: string, schema: unknown): FieldInput {
  const choices = choicesOf(schema);
  if (choices !== undefined) return choices.length > 0 ? { kind: 'choice', choices } : { kind: 'json' };
  if (!isObject(schema) || COMPOSED.some((keyword) => Object.hasOwn(schema, keyword)))
    return { kind: 'json' };
  switch (memberOf(schema, 'type')) {
    case 'string':
      return { kind: 'text', format: formatOf(property, schema) };
    case 'number':
      return { kind: 'number', isWhole: false };
    case 'integer':
      return { kind: 'number', isWhole: true };
    case 'boolean':
      return { kind: 'boolean' };
    case 'array':
      return linesOf(memberOf(schema, 'items'));
    default:
      return { kind: 'json' };
  }
}

type TextFormat = Extract<FieldInput, { kind: 'text' }>['format'];

function formatOf(property: string, schema: unknown): TextFormat {
  const format = textOf(schema, 'format');
  switch (format) {
    case 'date':
    case 'date-time':
    case 'email':
    case 'uri':
      return format;
    default:
      return isLong(property, numberOf(schema, 'maxLength')) ? 'long' : 'plain';
  }
}

function isLong(property: string, maxLength: number | undefined): boolean {
  if (maxLength !== undefined) return maxLength > LONG_TEXT;
  return LONG_TEXT_NAMES.has(property.toLowerCase());
}

function linesOf(items: unknown): FieldInput {
  const isComposed = !isObject(items) || COMPOSED.some((keyword) => Object.hasOwn(items, keyword));
  switch (isComposed ? undefined : memberOf(items, 'type')) {
    case 'string':
      return { kind: 'lines', entry: 'text' };
    case 'number':
      return { kind: 'lines', entry: 'number' };
    case 'integer':
      return { kind: 'lines', entry: 'whole-number' };
    default:
      return { kind: 'json' };
  }
}

/** The values of `enum`, `const` or titled constants. Undefined: other values are allowed; empty: too many or no scalars. */
function choicesOf(schema: unknown): Choice[] | undefined {
  const constant = memberOf(schema, 'const');
  if (constant !== undefined) return choicesFrom([{ const: constant }]);
  const values = memberOf(schema, 'enum');
  if (Array.isArray(values))
    return choicesFrom(values.slice(0, MAX_CHOICES + 1).map((value) => ({ const: value })));
  const titled = ['oneOf', 'anyOf']
    .map((keyword) => listOf(schema, keyword))
    .find(({ length }) => length > 0);
  const few = titled?.slice(0, MAX_CHOICES + 1) ?? [];
  if (few.length === 0 || !few.every((one) => memberOf(one, 'const') !== undefined)) return undefined;
  return choicesFrom(few);
}

function choicesFrom(constants: readonly unknown[]): Choice[] {
  const choices = constants.flatMap((constant) => {
    const value = memberOf(constant, 'const');
    const fits = isScalar(value) && String(value).length <= MAX_CHOICE_CHARACTERS;
    return fits ? [{ value, label: labelOf(value, textOf(constant, 'title')) }] : [];
  });
  const characters = choices.reduce((sum, { value }) => sum + String(value).length, 0);
  const areFew = choices.length <= MAX_CHOICES && characters <= MAX_CHARACTERS_OF_CHOICES;
  return areFew && choices.length === constants.length ? choices : [];
}

function labelOf(value: Choice['value'], title = ''): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return shortText(title, MAX_CHOICE_LABEL) || shortText(text, MAX_CHOICE_LABEL) || 'Empty text';
}
