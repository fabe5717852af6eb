import { followString, PIECE_CHARACTERS } from '../contracts/json-string.ts';
import type { JsonLimits } from './json-limits.ts';
import { readJsonInPieces } from './json-reader.ts';

/**
 * Reads JSON with the result of `JSON.parse`, within limits. A short text is read at once, because that is several times
 * cheaper; a longer one piece by piece. The limits and the result are the same for both.
 *
 * @throws SyntaxError, JsonOverLimit
 */
export function* readJson(text: string, limits: JsonLimits): Generator<void, unknown> {
  if (canBeReadAtOnce(text, limits)) return JSON.parse(text);
  return yield* readJsonInPieces(text, limits);
}

function canBeReadAtOnce(text: string, limits: JsonLimits): boolean {
  return (
    text.length <= PIECE_CHARACTERS &&
    isTooShortToExceed(limits, text.length) &&
    nestsWithin(text, limits.nesting)
  );
}

/** A member has at least a comma, two quotes, a colon and a value. */
const MIN_MEMBER_CHARACTERS = 5;

function isTooShortToExceed(limits: JsonLimits, length: number): boolean {
  const { values, members, keyLength, numberLength } = limits;
  return length <= Math.min(values, members * MIN_MEMBER_CHARACTERS, keyLength, numberLength);
}

/**
 * Whether the text nests at most `limit` levels deep. The text is checked and not the value, because a member that a
 * later one of the same name replaces counts too.
 */
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
