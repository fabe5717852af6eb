import { isExactNumber } from './exact-number.ts';
import type { JsonPath } from './json-path.ts';
import { followString, PIECE_CHARACTERS } from './json-string.ts';

export interface InexactNumber {
  path: JsonPath;
  /** The number as written in the text. */
  literal: string;
}

/** A text without a match has only exact numbers, so that most texts are not walked. */
const SUSPICIOUS = /[\d.]{16}|\d[eE][+-]?\d/;
/** The longest match of `SUSPICIOUS`: two slices overlap by it. */
const SUSPICIOUS_LENGTH = 16;
const TOKENS_PER_SLICE = 1_000;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The walk's place in an open object or array. `key` is the position of the latest key in the text. */
type Level = { kind: 'object'; key: [start: number, end: number]; beforeKey: boolean } | ListLevel;
type ListLevel = { kind: 'array'; index: number };

/**
 * Finds the numbers of a JSON text that `JSON.parse` would round, with their paths. The text must be valid JSON.
 *
 * Revivers of Node 20 can't read the source text (https://github.com/tc39/proposal-json-parse-with-source). Parsers
 * on npm that can, such as `lossless-json`, give the callback a number without its path, recurse, and parse
 * everything again. This walk only looks at numbers. It yields undefined now and then, so that a caller can let other
 * work run in between.
 */
export function* walkNumbers(json: string): Generator<InexactNumber | undefined, void> {
  if (!(yield* isSuspicious(json))) return;
  const open: Level[] = [];
  let tokens = 0;
  for (let at = 0; at < json.length; ) {
    tokens += 1;
    if (tokens % TOKENS_PER_SLICE === 0) yield undefined;
    const character = json[at];
    if (character === '"') {
      const start = at;
      let string = followString(json, at + 1, at + PIECE_CHARACTERS);
      while (!string.closed && string.at < json.length) {
        yield undefined;
        string = followString(json, string.at, string.at + PIECE_CHARACTERS);
      }
      at = string.at;
      takeKey(open.at(-1), start, at);
    } else if (isNumberStart(character)) {
      const literal = numberAt(json, at);
      if (!isExactNumber(literal)) yield { path: pathOf(json, open), literal };
      at += literal.length;
    } else {
      passPunctuation(open, character);
      at += 1;
    }
  }
}

function* isSuspicious(json: string): Generator<undefined, boolean> {
  for (let at = 0; at < json.length; at += PIECE_CHARACTERS - SUSPICIOUS_LENGTH) {
    if (SUSPICIOUS.test(json.slice(at, at + PIECE_CHARACTERS))) return true;
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

function passPunctuation(open: Level[], character: string | undefined): void {
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
