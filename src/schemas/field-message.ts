import type { z } from 'zod';
import { dottedPath } from '../contracts/json-path.ts';

type Issue = z.core.$ZodRawIssue;

/**
 * Describes what is wrong with a field, to be read after the field's name. Pass it to each parse whose messages
 * people read (`safeParse(data, { error: fieldMessage })`). A message that the schema itself defines takes
 * precedence.
 */
export function fieldMessage(issue: Issue): string {
  if (issue.code !== 'custom' && issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[isWholeNumber(issue) ? 'int' : issue.expected] ?? 'of another kind'}`;
    case 'invalid_value':
      return mustBeOneOf(issue.values);
    case 'invalid_union':
      return Array.isArray(issue.options) ? mustBeOneOf(issue.options) : 'is not valid';
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return `must ${bound('at most', issue.maximum, issue.origin)}`;
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'has a form that is not allowed';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `has no field ${namesOf(issue.keys)}`;
    case 'invalid_key':
      return 'has a name that is not allowed';
    default:
      return 'is not valid';
  }
}

/** Pass it to a `refine` over several fields: the check then also runs if one of the fields is invalid by itself. */
export const BESIDE_OTHER_PROBLEMS = {
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'must be a URL',
  datetime: 'must be a time such as 2026-01-31T09:00:00Z',
  base64: 'must be base64',
};

/**
 * For a value of another type, `z.int()` reports that it expected `number`. Only its definition shows that it means
 * an integer.
 */
function isWholeNumber({ expected, inst }: Extract<Issue, { code: 'invalid_type' }>): boolean {
  const { format } = (inst?._zod.def ?? {}) as { format?: unknown };
  return expected === 'number' && typeof format === 'string' && /int/.test(format);
}

const MAX_NAMES = 5;

/** The caller chose these names, so it shortens them and lists only the first few. */
function namesOf(keys: readonly string[]): string {
  const more = keys.length - MAX_NAMES;
  const named = keys.slice(0, MAX_NAMES).map((key) => dottedPath([key]));
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function mustBeOneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`;
}

function tooSmall({ minimum, origin }: Extract<Issue, { code: 'too_small' }>): string {
  const isText = origin === 'string' || origin === 'array';
  return isText && minimum === 1 ? 'must not be empty' : `must ${bound('at least', minimum, origin)}`;
}

function bound(which: string, limit: number | bigint, origin: string): string {
  switch (origin) {
    case 'string':
      return `have ${which} ${limit} characters`;
    case 'array':
      return `have ${which} ${limit} entries`;
    default:
      return `be ${which} ${limit}`;
  }
}
