/**
 * Numbers that JSON changes on its way: found in a JSON text (`numbersNotExact`) or in a JavaScript value that is
 * about to become one (`unsendableNumbers`).
 */
import { walkNumbers } from './inexact-numbers.ts';
import { dottedPath, type JsonPath } from './json-path.ts';

/** The problem with one number; never its value. */
export interface NumberProblem {
  /** Such as `arguments.id`; empty for the root. */
  path: string;
  /** What is wrong with it, and what to do. */
  message: string;
}

const MAX_FOUND = 100;
const MAX_NAMED = 10;
/** From here on JavaScript prints an exponent, so no reader takes the number for an id. ECMA-262, Number::toString. */
const PRINTED_WITH_EXPONENT = 1e21;

/** Returns the first hundred numbers of a JSON text that would be rounded. */
export function numbersNotExact(json: string): NumberProblem[] {
  const search = findNumbersNotExact(json);
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
  }
}

/** Like `numbersNotExact`, but yields now and then, so that a caller can let other work run in between. */
export function* findNumbersNotExact(json: string): Generator<void, NumberProblem[]> {
  const problems: NumberProblem[] = [];
  for (const number of walkNumbers(json)) {
    yield;
    if (number === undefined) continue;
    problems.push({
      path: dottedPath(number.path),
      message: 'is a number that JSON readers would round: send it as a string',
    });
    if (problems.length === MAX_FOUND) break;
  }
  return problems;
}

/**
 * Returns the first hundred numbers in a JavaScript value that JSON would change: NaN and infinity become `null`, a
 * bigint can't be written, and an integer beyond 2^53 may have been rounded already. Not recursive, because a value
 * may contain itself.
 */
export function unsendableNumbers(value: unknown, path: JsonPath = []): NumberProblem[] {
  const problems: NumberProblem[] = [];
  const seen = new Set<object>();
  const open: { path: JsonPath; value: unknown }[] = [{ path, value }];
  for (let at = open.pop(); at !== undefined && problems.length < MAX_FOUND; at = open.pop()) {
    const message = problemOf(at.value);
    if (message !== undefined) problems.push({ path: dottedPath(at.path), message });
    if (typeof at.value !== 'object' || at.value === null || seen.has(at.value)) continue;
    seen.add(at.value);
    open.push(...partsOf(at.value, at.path).reverse());
  }
  return problems;
}

/** Writes one sentence that names the places. */
export function describeNumbers(problems: readonly NumberProblem[]): string {
  const named = problems.slice(0, MAX_NAMED).map(({ path, message }) => `${path || 'it'} ${message}`);
  const others = problems.length - named.length;
  return [...named, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}

function problemOf(value: unknown): string | undefined {
  if (typeof value === 'bigint') return 'is a bigint, which JSON does not have: send it as a string';
  if (typeof value !== 'number') return undefined;
  if (!Number.isFinite(value)) return `is ${value}, which JSON does not have`;
  const isRounded =
    Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < PRINTED_WITH_EXPONENT;
  return isRounded ? 'is an integer beyond 2^53, which may be rounded: send it as a string' : undefined;
}

function partsOf(value: object, path: JsonPath): { path: JsonPath; value: unknown }[] {
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.map(([name, part]) => ({ path: [...path, name], value: part }));
}
