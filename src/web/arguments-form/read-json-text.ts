import { walkNumbers } from '../../contracts/inexact-numbers.ts';
import { isObject } from '../../contracts/is-object.ts';
import type { JsonPath } from '../../contracts/json-path.ts';
import { MAX_NESTING } from '../../contracts/json-size.ts';
import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import { type JsonLimits, JsonOverLimit } from '../../turns/json-limits.ts';
import { readJson } from '../../turns/read-json.ts';
import { createTurns } from '../../turns/turns.ts';
import { NOT_EXACT } from './read-value.ts';

type ReadJsonText = { kind: 'value'; value: unknown } | { kind: 'refused'; problems: ArgumentProblem[] };

/** The form's own limit holds for its bytes. */
const LIMITS: JsonLimits = {
  nesting: MAX_NESTING,
  values: Number.POSITIVE_INFINITY,
  members: Number.POSITIVE_INFINITY,
  keyLength: Number.POSITIVE_INFINITY,
  numberLength: Number.POSITIVE_INFINITY,
};
const MAX_PROBLEMS = 20;

/**
 * Reads JSON that a person wrote, in turns. The rules are those of the HTTP API's bodies: no number is rounded, no key
 * changes a prototype, and the nesting is limited.
 *
 * @param path where the JSON stands in the arguments
 */
export async function readJsonText(text: string, path: JsonPath = []): Promise<ReadJsonText> {
  try {
    return await createTurns().take(read(text, path));
  } catch (error) {
    if (error instanceof JsonOverLimit) return refused(path, `nests deeper than ${MAX_NESTING} levels`);
    if (error instanceof SyntaxError)
      return refused(path, `is not valid JSON${placeOf(text, error.message)}`);
    throw error;
  }
}

function* read(text: string, path: JsonPath): Generator<void, ReadJsonText> {
  const value = yield* readJson(text, LIMITS);
  const problems: ArgumentProblem[] = [];
  for (const number of walkNumbers(text)) {
    yield;
    if (number !== undefined) problems.push({ path: [...path, ...number.path], message: NOT_EXACT });
    if (problems.length === MAX_PROBLEMS) break;
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  const isUnsafe = yield* changesPrototype(text, value);
  return isUnsafe ? refused(path, 'has a name that is not allowed') : { kind: 'value', value };
}

/** Matches every text with such a key, even if the key is written with escapes. */
const MAY_CHANGE_A_PROTOTYPE = /__proto__|prototype|\\u00[4-7]/i;

/** `__proto__`, or `prototype` in `constructor`: careless readers of the value would take them for more than data. */
function* changesPrototype(text: string, value: unknown): Generator<void, boolean> {
  if (!MAY_CHANGE_A_PROTOTYPE.test(text)) return false;
  const open = [value];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    yield;
    if (isObject(part) && hasUnsafeKey(part)) return true;
    if (typeof part !== 'object' || part === null) continue;
    for (const inner of Object.values(part))
      if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return false;
}

function hasUnsafeKey(object: Readonly<Record<string, unknown>>): boolean {
  if (Object.hasOwn(object, '__proto__')) return true;
  const made = Object.hasOwn(object, 'constructor') ? object.constructor : undefined;
  return isObject(made) && Object.hasOwn(made, 'prototype');
}

/** Where the text stops being JSON, as far as the parser says. */
function placeOf(text: string, message: string): string {
  const at = /\bat (?:position )?(\d+)/.exec(message)?.[1];
  if (at === undefined) return '';
  const before = text.slice(0, Number(at)).split('\n');
  return `: look at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function refused(path: JsonPath, message: string): ReadJsonText {
  return { kind: 'refused', problems: [{ path, message }] };
}
