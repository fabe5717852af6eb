import type { Json } from './json-schema.ts';

/** One property of a tool's arguments, as a field of a form. */
export interface FormField {
  /** The property of the arguments. */
  property: string;
  label: string;
  /** From the schema's description and limits. */
  hint: string;
  isRequired: boolean;
  /** Null is allowed. */
  isNullable: boolean;
  /** What the server takes if the property is left out. Undefined: the schema names nothing. */
  default: Json | undefined;
  input: FieldInput;
}

export type FieldInput =
  | { kind: 'text'; format: 'plain' | 'long' | 'date' | 'date-time' | 'email' | 'uri' }
  | { kind: 'number'; isWhole: boolean }
  | { kind: 'boolean' }
  | { kind: 'choice'; choices: readonly Choice[] }
  /** A list with one entry a line. */
  | { kind: 'lines'; entry: 'text' | 'number' | 'whole-number' }
  /** Any value, written as JSON. */
  | { kind: 'json' };

/** A value that a property may have. */
export interface Choice {
  value: Json;
  label: string;
}

/** Whether a tool's arguments are shown as fields, or as one JSON text. */
export type ArgumentsForm = { kind: 'fields'; fields: readonly FormField[] } | { kind: 'json' };

export type ArgumentsView = 'form' | 'json';

/** What the inputs of a form hold, by their names. */
export type FormValues = Readonly<Record<string, string>>;

/** The input of the view `json`. */
export const JSON_INPUT = 'arguments';

/** The name of a field's input. Ids and names have no spaces, because lists of ids are separated by them. */
export function inputName({ property }: Pick<FormField, 'property'>): string {
  return `arg.${encodeURIComponent(property)}`;
}

/** The name of the input of a field whose value does not fit its own input, and is shown as JSON instead. */
export function jsonInputName({ property }: Pick<FormField, 'property'>): string {
  return `json.${encodeURIComponent(property)}`;
}

/** The field as it is shown with these values. */
export function shownField(field: FormField, values: FormValues): { name: string; input: FieldInput } {
  const json = jsonInputName(field);
  return Object.hasOwn(values, json)
    ? { name: json, input: { kind: 'json' } }
    : { name: inputName(field), input: field.input };
}
