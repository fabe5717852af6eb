import { dottedPath } from './dotted-path.ts';
import type { JsonPath } from './inexact-numbers.ts';
import type { NumberProblem } from './numbers-not-exact.ts';

const MAX_FOUND = 100;
/** From here on JavaScript prints an exponent, so no reader takes the number for an id. ECMA-262, Number::toString. */
const PRINTED_WITH_EXPONENT = 1e21;

/**
 * The numbers in a JavaScript value that JSON could only change: NaN and infinity become `null`, a bigint has no
 * form, and an integer beyond 2^53 was perhaps rounded before anybody looked. Not recursive: a value may hold
 * itself.
 */
export function unsendableNumbers(value: unknown, path: JsonPath = []): NumberProblem[] {
  const problems: NumberProblem[] = [];
  const seen = new Set<object>();
  const open: { path: JsonPath; value: unknown }[] = [{ path, value }];
  for (let at = open.pop(); at !== undefined && problems.length < MAX_FOUND; at = open.pop()) {
    const message = whatIsWrong(at.value);
    if (message !== undefined) problems.push({ path: dottedPath(at.path), message });
    if (typeof at.value !== 'object' || at.value === null || seen.has(at.value)) continue;
    seen.add(at.value);
    open.push(...partsOf(at.value, at.path).reverse());
  }
  return problems;
}

function whatIsWrong(value: unknown): string | undefined {
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
