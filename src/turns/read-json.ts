import { followString, PIECE_CHARACTERS } from '../contracts/json-string.ts';
import type { JsonLimits } from './json-limits.ts';
import { readJsonInPieces } from './json-reader.ts';

/**
 * Reads JSON as `JSON.parse` does, within limits: a short text at once, because that is several times cheaper, a longer one in
 * steps. Both keep the same limits, and what a text is does not depend on its length.
 *
 * @throws SyntaxError, JsonOverLimit
 */
export function* readJson(text: string, limits: JsonLimits): Generator<void, unknown> {
  if (canBeReadAtOnce(text, limits)) return JSON.parse(text);
  return yield* readJsonInPieces(text, limits);
}

function canBeReadAtOnce(text: string, limits: JsonLimits): boolean {
  return text.length <= PIECE_CHARACTERS && isTooShortToExceed(limits, text.length) && nestsWithin(text, limits.nesting);
}

/** Of a member: a comma, two quotes, a colon and a value. */
const FEWEST_CHARACTERS = 5;

function isTooShortToExceed(limits: JsonLimits, length: number): boolean {
  const { values, members, keyLength, numberLength } = limits;
  return length <= Math.min(values, members * FEWEST_CHARACTERS, keyLength, numberLength);
}

/** Of the text, and not of what it is read into: a member that another of its name replaces counts as well. */
function nestsWithin(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const character = text[at];
    at = character === '"' ? followString(text, at + 1, text.length).at : at + 1;
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > limit) return false;
  }
  return true;
}
