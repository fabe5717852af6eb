import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../contracts/is-object.ts';
import { isWithin } from '../../contracts/json-size.ts';
import { shortText } from '../short-text.ts';
import { fieldInputOf } from './field-input-of.ts';
import type { ArgumentsForm, FormField } from './form-field.ts';
import { fitsPage } from './form-size.ts';
import { isScalar, type JsonObject, listOf, memberOf, numberOf, textOf } from './json-schema.ts';
import { plainSchemaOf } from './plain-schema.ts';

/** A schema with more properties is shown as JSON. */
const MAX_FIELDS = 60;
const MAX_LABEL = 120;
const MAX_HINT = 500;
const MAX_PROPERTY = 128;
/** A longer default is left to the server. */
const MAX_DEFAULT = 200;
/** A longer schema would make a page of megabytes. */
const MAX_SCHEMA = 128 * 1024;
/** Keywords that make the properties depend on one another or on other schemas. */
const COMPOSED = ['$ref', '$dynamicRef', 'oneOf', 'anyOf', 'allOf', 'if', 'not', 'patternProperties'];

/**
 * Makes a form from the schema of a tool's arguments. `json`: the arguments can't be shown as a form. The schema comes
 * from an untrusted server: the number of fields and the length of texts are limited, and no regular expression of it is
 * run. A schema that is made to be expensive takes about 100 ms: make the form once a request.
 */
export function fieldsOf(inputSchema: unknown): ArgumentsForm {
  return isObject(inputSchema) ? makeForm(inputSchema) : { kind: 'json' };
}

const MAX_NAMES = 5;

/**
 * Returns the names, at most five, of what this form can't show: properties without a field that are not as
 * in `original`, which the form keeps.
 */
export function namesWithoutField(
  form: ArgumentsForm,
  args: Readonly<Record<string, unknown>>,
  original: Readonly<Record<string, unknown>> = {},
): string[] {
  const shown = new Set(form.kind === 'fields' ? form.fields.map(({ property }) => property) : []);
  return Object.keys({ ...original, ...args })
    .filter((name) => !shown.has(name) && !isDeepStrictEqual(args[name], original[name]))
    .slice(0, MAX_NAMES);
}

function makeForm(inputSchema: JsonObject): ArgumentsForm {
  const properties = propertiesOf(inputSchema);
  if (properties === undefined || !isWithin(inputSchema, MAX_SCHEMA)) return { kind: 'json' };
  const names = Object.keys(properties);
  if (names.length > MAX_FIELDS || !names.every(isFieldName)) return { kind: 'json' };
  const required = new Set(listOf(inputSchema, 'required'));
  const fields = names.map((property) =>
    fieldOf(inputSchema, { property, schema: properties[property], isRequired: required.has(property) }),
  );
  const isOnlyJson = fields.length > 0 && fields.every(({ input }) => input.kind === 'json');
  return isOnlyJson || !fitsPage(fields)
    ? { kind: 'json' }
    : { kind: 'fields', fields: requiredFirst(fields) };
}

function propertiesOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(schema) || COMPOSED.some((keyword) => Object.hasOwn(schema, keyword))) return undefined;
  const type = memberOf(schema, 'type');
  if (type !== undefined && type !== 'object') return undefined;
  const properties = memberOf(schema, 'properties');
  if (isObject(properties)) return properties;
  // The way to say that a tool takes no arguments. MCP 2025-11-25, server/tools#tool.
  const takesNothing = properties === undefined && memberOf(schema, 'additionalProperties') === false;
  return takesNothing ? {} : undefined;
}

function isFieldName(property: string): boolean {
  return property.length <= MAX_PROPERTY && property.isWellFormed() && property !== '__proto__';
}

interface Property {
  property: string;
  schema: unknown;
  isRequired: boolean;
}

function fieldOf(root: unknown, { property, schema, isRequired }: Property): FormField {
  const plain = plainSchemaOf(root, schema);
  const input = fieldInputOf(property, plain.schema);
  const given = memberOf(schema, 'default');
  return {
    property,
    label: shortText(titleOf(schema, plain.schema) ?? property, MAX_LABEL) || 'Unnamed',
    hint: hintOf(schema, plain.schema),
    isRequired,
    isNullable: plain.isNullable,
    default: isScalar(given) && String(given).length <= MAX_DEFAULT ? given : undefined,
    input,
  };
}

function titleOf(...schemas: unknown[]): string | undefined {
  return schemas
    .map((schema) => shortText(textOf(schema, 'title') ?? '', MAX_LABEL))
    .find((title) => title !== '');
}

function hintOf(schema: unknown, plain: unknown): string {
  const description = textOf(schema, 'description') ?? textOf(plain, 'description') ?? '';
  return [shortText(description, MAX_HINT), limitsOf(plain)].filter(Boolean).join(' ');
}

function limitsOf(schema: unknown): string {
  const least = numberOf(schema, 'minimum');
  const most = numberOf(schema, 'maximum');
  if (least !== undefined && most !== undefined) return `From ${least} to ${most}.`;
  if (least !== undefined) return `At least ${least}.`;
  return most === undefined ? '' : `At most ${most}.`;
}

function requiredFirst(fields: readonly FormField[]): FormField[] {
  return [
    ...fields.filter(({ isRequired }) => isRequired),
    ...fields.filter(({ isRequired }) => !isRequired),
  ];
}
