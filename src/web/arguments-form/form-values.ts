import {
  type ArgumentsForm,
  type ArgumentsView,
  type Choice,
  type FieldInput,
  type FormField,
  type FormValues,
  inputName,
  JSON_INPUT,
  jsonInputName,
} from './form-field.ts';
import { isScalar } from './json-schema.ts';

/**
 * Returns the texts with which a form shows these arguments. A value that does not fit its field, such as a number where
 * the schema wants a text, is shown as JSON. Reading the texts with the same arguments as `original` returns them
 * unchanged.
 */
export function valuesOf(
  form: ArgumentsForm,
  args: Readonly<Record<string, unknown>>,
  view: ArgumentsView,
): FormValues {
  if (view === 'json' || form.kind === 'json') return { [JSON_INPUT]: JSON.stringify(args, null, 2) };
  const given = form.fields.filter(({ property }) => Object.hasOwn(args, property));
  return Object.fromEntries(given.map((field) => entryOf(field, args[field.property])));
}

/** The texts with which an empty form begins: defaults, where the schema requires a value and names one. */
export function firstValues(form: ArgumentsForm): FormValues {
  if (form.kind === 'json') return { [JSON_INPUT]: '{}' };
  return Object.fromEntries(
    form.fields.flatMap((field) => {
      const value = field.isRequired ? firstValueOf(field) : undefined;
      return value === undefined ? [] : [entryOf(field, value)];
    }),
  );
}

/** How a value of a choice is sent. Two values may have the same words. */
export function choiceText(value: Choice['value']): string {
  return JSON.stringify(value);
}

function firstValueOf({ input, default: given }: FormField) {
  if (given !== undefined) return given;
  return input.kind === 'choice' && input.choices.length === 1 ? input.choices[0]?.value : undefined;
}

function entryOf(field: FormField, value: unknown): [string, string] {
  const text = field.isNullable && value === null ? '' : textOfValue(field.input, value);
  return text === undefined
    ? [jsonInputName(field), JSON.stringify(value, null, 2)]
    : [inputName(field), text];
}

/** Returns undefined for a value that the input can't hold. */
function textOfValue(input: FieldInput, value: unknown): string | undefined {
  switch (input.kind) {
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? String(value) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'choice':
      return input.choices.some((choice) => choice.value === value) && isScalar(value)
        ? choiceText(value)
        : undefined;
    case 'lines':
      return linesOf(value, input.entry);
    case 'json':
      return JSON.stringify(value, null, 2);
    default:
      return input satisfies never;
  }
}

function linesOf(value: unknown, entry: 'text' | 'number' | 'whole-number'): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const isLine = (one: unknown) =>
    entry === 'text'
      ? typeof one === 'string' && /^[^\r\n]*\S[^\r\n]*$/.test(one) && one.trim() === one
      : typeof one === 'number';
  return value.every(isLine) ? value.join('\n') : undefined;
}
