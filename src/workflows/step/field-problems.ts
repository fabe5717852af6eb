/** Checks of the fields of an object from outside, without a schema library. See step-input.ts for the reason. */
import { isObject } from '../../contracts/is-object.ts';
import { exceedsDepth } from '../../contracts/json-size.ts';

/** Returns the problem of a value, to follow its field's name; undefined if it is valid. */
export type Check = (value: unknown) => string | undefined;

/** The fields that an object may have. An optional field may be absent or null. */
export interface Fields {
  required?: Readonly<Record<string, Check>>;
  optional: Readonly<Record<string, Check>>;
}

/** Longer names are cut: a client may have sent a name of a megabyte. */
const MAX_NAME_CHARACTERS = 128;
const MAX_PROBLEMS = 20;

/** Lists every field that is missing, unknown or invalid, by its name and never by its value. */
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

/** Joins the problems to one message; of very many, the first ones. */
export function messageOf(problems: readonly string[]): string {
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

export const mustBeObject: Check = (value) =>
  isEncodableObject(value) ? undefined : 'must be an object that nests at most 100 levels deep';

export function mustBeOneOf(words: readonly unknown[]): Check {
  return (value) => (words.includes(value) ? undefined : `must be one of ${words.join(', ')}`);
}

/** Whether a value is a JSON object. One that nests too deep is refused, because encoding it would fail the task. */
export function isEncodableObject(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !exceedsDepth(value);
}

/** Clients in other languages send null for an absent field. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

// Own fields only: `toString` is inherited.
function own<T>(fields: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
