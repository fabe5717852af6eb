import { isExactNumber } from './exact-number.ts';
import { followString, PIECE } from './json-string.ts';

/** Keys and indexes from the root of a JSON value down to a part of it. */
export type JsonPath = readonly (string | number)[];

export interface InexactNumber {
  path: JsonPath;
  /** As it stands in the text. */
  literal: string;
}

/** A text without a match has only exact numbers. */
const SUSPICIOUS = /[\d.]{16}|\d[eE][+-]?\d/;
/** Characters that it looks at, at most. */
const SUSPICIOUS_LENGTH = 16;
/** Tokens between two steps. */
const STEP = 1_000;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Where the walk stands in an open object or array. `key` is the place of the latest key in the text. */
type Level = { kind: 'object'; key: [start: number, end: number]; beforeKey: boolean } | ListLevel;
type ListLevel = { kind: 'array'; index: number };

/**
 * The numbers of a JSON text that `JSON.parse` would round, with their places. The text has to be valid JSON.
 *
 * Node 20 has no access to the source text in revivers
 * (https://github.com/tc39/proposal-json-parse-with-source), and the parsers on npm that have it, such as
 * `lossless-json`, hand a number without its place to the callback, recurse, and parse everything again. This
 * walk only looks at numbers, and most texts are spared it. In steps: now and then it yields undefined, for callers that
 * share their thread with others.
 */
export function* walkNumbers(json: string): Generator<InexactNumber | undefined, void> {
  if (!(yield* isSuspicious(json))) return;
  const open: Level[] = [];
  let tokens = 0;
  for (let at = 0; at < json.length; ) {
    tokens += 1;
    if (tokens % STEP === 0) yield undefined;
    const character = json[at];
    if (character === '"') {
      const start = at;
      let string = followString(json, at + 1, at + PIECE);
      while (!string.closed && string.at < json.length) {
        yield undefined;
        string = followString(json, string.at, string.at + PIECE);
      }
      at = string.at;
      takeKey(open.at(-1), start, at);
    } else if (isNumberStart(character)) {
      const literal = numberAt(json, at);
      if (!isExactNumber(literal)) yield { path: pathOf(json, open), literal };
      at += literal.length;
    } else {
      moveOn(open, character);
      at += 1;
    }
  }
}

function* isSuspicious(json: string): Generator<undefined, boolean> {
  for (let at = 0; at < json.length; at += PIECE - SUSPICIOUS_LENGTH) {
    if (SUSPICIOUS.test(json.slice(at, at + PIECE))) return true;
    yield undefined;
  }
  return false;
}

function isNumberStart(character: string | undefined): boolean {
  return character === '-' || (character !== undefined && character >= '0' && character <= '9');
}

function numberAt(json: string, at: number): string {
  NUMBER.lastIndex = at;
  return NUMBER.exec(json)?.[0] ?? json.charAt(at);
}

function takeKey(level: Level | undefined, start: number, end: number): void {
  if (level?.kind !== 'object' || !level.beforeKey) return;
  level.key = [start, end];
  level.beforeKey = false;
}

function moveOn(open: Level[], character: string | undefined): void {
  const level = open.at(-1);
  if (character === '{') open.push({ kind: 'object', key: [0, 0], beforeKey: true });
  else if (character === '[') open.push({ kind: 'array', index: 0 });
  else if (character === '}' || character === ']') open.pop();
  else if (character === ',' && level?.kind === 'array') level.index += 1;
  else if (character === ',' && level?.kind === 'object') level.beforeKey = true;
}

function pathOf(json: string, open: Level[]): JsonPath {
  return open.map((level) =>
    level.kind === 'array' ? level.index : String(JSON.parse(json.slice(...level.key))),
  );
}
