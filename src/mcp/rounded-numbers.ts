import { dottedPath } from '../contracts/dotted-path.ts';
import { inexactNumbers, type JsonPath } from '../contracts/inexact-numbers.ts';

const MAX_NAMED = 10;
const MAX_LITERAL = 64;

/**
 * A warning for each number of a tool's result that JavaScript has rounded, with the number as it came. They are
 * read from the text of the JSON-RPC response, or of the batch that it came in: the SDK gives only values.
 */
export function warnOfRoundedNumbers(response: string): string[] {
  const warnings: string[] = [];
  let others = 0;
  for (const { path, literal } of inexactNumbers(response)) {
    const place = placeInResult(path);
    if (place === undefined) continue;
    if (warnings.length === MAX_NAMED) others += 1;
    else warnings.push(`${dottedPath(place)} is rounded: the server sent ${shortened(literal)}.`);
  }
  if (others > 0) warnings.push(`${others} more numbers are rounded.`);
  return warnings;
}

/** Undefined for what is not handed on: `_meta` of the whole, and structured content that is not an object. */
function placeInResult(path: JsonPath): JsonPath | undefined {
  const [member, ...place] = typeof path[0] === 'number' ? path.slice(1) : path;
  if (member !== 'result') return undefined;
  const [part, name] = place;
  const isHandedOn = part === 'content' || (part === 'structuredContent' && typeof name === 'string');
  return isHandedOn ? place : undefined;
}

function shortened(literal: string): string {
  return literal.length <= MAX_LITERAL
    ? literal
    : `${literal.slice(0, MAX_LITERAL)}… (${literal.length} characters)`;
}
