import { isAbsent, isObject } from './json-guards.ts';

/** What is wrong with a value, after the name of its field; undefined where nothing is. */
export type Check = (value: unknown) => string | undefined;

/** The fields that an object may have; what is not required may be left out, or null. */
export interface Fields {
  required?: Readonly<Record<string, Check>>;
  optional: Readonly<Record<string, Check>>;
}

/** Names that a client made up are cut: a message is no place for a megabyte of them. */
const MAX_NAME_CHARACTERS = 128;
const MAX_PROBLEMS = 20;

/** Every field that is missing, unknown or wrong, by its name and never its value. */
export function fieldProblems(value: Record<string, unknown>, fields: Fields, path = ''): string[] {
  const { required = {}, optional } = fields;
  const missing = Object.keys(required).filter((name) => isAbsent(own(value, name)));
  const wrong = Object.entries(value).flatMap(([name, field]) => {
    const check = own(required, name) ?? own(optional, name);
    if (check === undefined) return [`${path}${name.slice(0, MAX_NAME_CHARACTERS)} is not a known field`];
    const problem = isAbsent(field) ? undefined : check(field);
    return problem === undefined ? [] : [`${path}${name} ${problem}`];
  });
  return [...missing.map((name) => `${path}${name} is required`), ...wrong];
}

/** One message of all the problems; of very many, the first ones. */
export function messageOf(problems: readonly string[]): string {
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

export const mustBeObject: Check = (value) =>
  isObject(value) ? undefined : 'must be an object that nests at most 100 levels deep';

export function mustBeOneOf(words: readonly unknown[]): Check {
  return (value) => (words.includes(value) ? undefined : `must be one of ${words.join(', ')}`);
}

// An own field alone: `toString` is not one.
function own<T>(fields: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
