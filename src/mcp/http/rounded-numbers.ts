import { walkNumbers } from '../../contracts/inexact-numbers.ts';
import { isObject } from '../../contracts/is-object.ts';
import type { JsonPath } from '../../contracts/json-path.ts';
import type { SecretRedaction } from '../../net/secret-redaction.ts';

const MAX_NAMED = 10;
const MAX_LITERAL = 64;
const MAX_PATH = 512;
/** The most numbers that are counted, because finding the place of each takes time. */
const MAX_COUNTED = 10_000;

/** Writes a warning. It quotes the server, so it is redacted, and cut only then: a part of a secret is not found. */
export type RoundingWarning = (secrets: Pick<SecretRedaction, 'inBeginning'>) => string;

/**
 * Returns a warning for each number of a tool's result that JavaScript has rounded, with the number as the server sent
 * it. The numbers are read from the text of the JSON-RPC response, or of its batch, because the parsed value no longer
 * has them. Yields now and then; see `Turns`.
 */
export function* warnOfRoundedNumbers(response: string, result: unknown): Generator<void, RoundingWarning[]> {
  const kept = { whole: !hasContent(result), bareValue: isBareValue(result) };
  const warnings: RoundingWarning[] = [];
  let unnamed = 0;
  let found = 0;
  for (const number of walkNumbers(response)) {
    yield;
    if (number === undefined) continue;
    found += 1;
    if (found > MAX_COUNTED) return [...warnings, () => 'Many more numbers are rounded.'];
    const { path, literal } = number;
    const place = placeInResult(path, kept);
    if (place === undefined) continue;
    if (warnings.length === MAX_NAMED) unnamed += 1;
    else warnings.push(warningOf(place, literal));
  }
  if (unnamed > 0) warnings.push(() => `${unnamed} more numbers are rounded.`);
  return warnings;
}

// A result without content and without structured content is kept as text, as a whole.
function hasContent(result: unknown): boolean {
  return isObject(result) && (result.content != null || isObject(result.structuredContent));
}

// Structured content that is not an object is kept as text if there is no other content.
function isBareValue(result: unknown): boolean {
  if (!isObject(result) || isObject(result.structuredContent)) return false;
  return result.content == null || (Array.isArray(result.content) && result.content.length === 0);
}

/** Returns undefined for what is not passed on: the result's `_meta`, and structured content that is left out. */
function placeInResult(path: JsonPath, kept: { whole: boolean; bareValue: boolean }): JsonPath | undefined {
  const [member, ...place] = typeof path[0] === 'number' ? path.slice(1) : path;
  if (member !== 'result') return undefined;
  const [part, name] = place;
  if (part === 'structuredContent') return typeof name === 'string' || kept.bareValue ? place : undefined;
  if (part === 'content') return place;
  return kept.whole && part !== '_meta' ? ['result', ...place] : undefined;
}

function warningOf(place: JsonPath, literal: string): RoundingWarning {
  return (secrets) => {
    const path = secrets.inBeginning(place.join('.'), MAX_PATH);
    const beginning = secrets.inBeginning(literal, MAX_LITERAL);
    const rest = literal.length > MAX_LITERAL ? `… (${literal.length} characters)` : '';
    return `${path} is rounded: the server sent ${beginning}${rest}.`;
  };
}
