import { isObject } from '../../contracts/is-object.ts';
import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import {
  type ArgumentsForm,
  type ArgumentsView,
  type FormField,
  type FormValues,
  JSON_INPUT,
  shownField,
} from './form-field.ts';
import { valuesOf } from './form-values.ts';
import { readJsonText } from './read-json-text.ts';
import { readValue, withPlainLineBreaks } from './read-value.ts';

export type ReadArguments =
  | { kind: 'read'; arguments: Record<string, unknown> }
  /** `values`: what was entered, to show the form again. */
  | { kind: 'refused'; problems: ArgumentProblem[]; values: FormValues; readable?: Readable };

/** The arguments that could be read beside others. Those are left out, or have the values that they had before. */
export type Readable = Record<string, unknown>;

/**
 * Reads a tool's arguments from a form. No number is rounded. An optional field that is empty is left out; an input that
 * was not sent at all changes nothing. Refuses a form whose fields the schema does not have any more, and the JSON view
 * without its text. Checks otherwise only what can't become a JSON value; `ArgumentsChecker.findProblems` checks the
 * schema.
 *
 * @param formFields the fields of the request, among others
 * @param original what the form was made from: fields that were not changed keep its values exactly, and properties that
 *   the form does not show stay
 */
export async function readArguments(
  form: ArgumentsForm,
  formFields: FormValues,
  view: ArgumentsView,
  original?: Readonly<Record<string, unknown>>,
): Promise<ReadArguments> {
  const values = argumentsIn(formFields);
  const read =
    view === 'json' || form.kind === 'json'
      ? await readWhole(form, values[JSON_INPUT], original)
      : await readFields(form, values, original ?? {});
  return read.kind === 'read' ? read : { ...read, values };
}

/** The inputs of a form that belong to the arguments. */
export function argumentsIn(formFields: FormValues): FormValues {
  return Object.fromEntries(
    Object.entries(formFields).filter(([name]) => /^(?:arg|json)\./.test(name) || name === JSON_INPUT),
  );
}

type Read =
  | { kind: 'read'; arguments: Record<string, unknown> }
  | { kind: 'refused'; problems: ArgumentProblem[]; readable?: Readable };

async function readWhole(
  form: ArgumentsForm,
  text: string | undefined,
  original: Readonly<Record<string, unknown>> | undefined,
): Promise<Read> {
  if (text === undefined) return { kind: 'refused', problems: [{ path: [], message: 'were not sent' }] };
  const before = original && valuesOf(form, original, 'json')[JSON_INPUT];
  if (original !== undefined && isSameText(before, text)) return { kind: 'read', arguments: { ...original } };
  if (text.trim() === '') return { kind: 'read', arguments: {} };
  const read = await readJsonText(text);
  if (read.kind === 'refused') return read;
  if (isObject(read.value)) return { kind: 'read', arguments: { ...read.value } };
  return {
    kind: 'refused',
    problems: [{ path: [], message: 'must be a JSON object, such as {"name": "value"}' }],
  };
}

async function readFields(
  form: Extract<ArgumentsForm, { kind: 'fields' }>,
  values: FormValues,
  original: Readonly<Record<string, unknown>>,
): Promise<Read> {
  const before = valuesOf(form, original, 'form');
  const read = { ...original };
  const problems: ArgumentProblem[] = [];
  for (const field of form.fields) {
    const { name } = shownField(field, values);
    if (!Object.hasOwn(values, name) && (Object.hasOwn(read, field.property) || !field.isRequired)) continue;
    if (isSameText(before[name], values[name]) && Object.hasOwn(read, field.property)) continue;
    const outcome = await readField(field, values);
    if (outcome.kind === 'refused') problems.push(...outcome.problems);
    else if (outcome.kind === 'value') read[field.property] = outcome.value;
    else delete read[field.property];
  }
  return problems.length > 0
    ? { kind: 'refused', problems, readable: read }
    : { kind: 'read', arguments: read };
}

type ReadField =
  | { kind: 'value'; value: unknown }
  | { kind: 'left-out' }
  | { kind: 'refused'; problems: ArgumentProblem[] };

async function readField(field: FormField, values: FormValues): Promise<ReadField> {
  const path = [field.property];
  const { name, input } = shownField(field, values);
  const text = values[name] ?? '';
  if (isEmpty(text, input.kind)) return readEmpty(field);
  if (input.kind === 'json') return readJsonText(text, path);
  const read = readValue(input, text);
  return read.kind === 'value' ? read : { kind: 'refused', problems: [{ path, message: read.message }] };
}

/** Spaces alone are a text, but neither a number nor JSON nor an entry of a list. */
function isEmpty(text: string, kind: FormField['input']['kind']): boolean {
  return kind === 'text' ? text === '' : text.trim() === '';
}

function readEmpty({ property, isRequired, isNullable }: FormField): ReadField {
  if (!isRequired) return { kind: 'left-out' };
  if (isNullable) return { kind: 'value', value: null };
  return { kind: 'refused', problems: [{ path: [property], message: 'is required' }] };
}

/** Whether `sent` is what a browser sends for a field that shows `shown` and was not changed. */
function isSameText(shown: string | undefined, sent: string | undefined): boolean {
  return shown !== undefined && sent !== undefined && asSent(shown) === asSent(sent);
}

// Browsers replace characters that HTML or UTF-8 can't hold. https://html.spec.whatwg.org/#preprocessing-the-input-stream
function asSent(text: string): string {
  return withPlainLineBreaks(text).replaceAll('\0', '\uFFFD').toWellFormed();
}
