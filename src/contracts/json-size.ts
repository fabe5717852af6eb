import { MAX_NESTING } from './nesting.ts';

/** Of brackets, commas, quotes and short literals. */
const CHARACTERS_OF_A_PART = 4;

/** Whether a JSON value has at most about so many characters, and nests no deeper than JSON from outside may. */
export function isWithin(value: unknown, limit: number): boolean {
  return charactersWithin(value, limit) !== undefined;
}

/**
 * About how many characters a JSON value has, or undefined where it has more than `limit` or nests deeper than JSON
 * from outside may. It looks at no more than that, so that it takes milliseconds of a value of any size. Not recursive.
 */
export function charactersWithin(value: unknown, limit: number): number | undefined {
  let left = limit;
  let level: unknown[] = [value];
  for (let depth = 0; depth <= MAX_NESTING && level.length > 0; depth++) {
    const below: unknown[] = [];
    for (const part of level) {
      left -= typeof part === 'string' ? part.length : CHARACTERS_OF_A_PART;
      if (left < 0) return undefined;
      if (typeof part === 'object' && part !== null) left -= addParts(part, below, left);
    }
    level = below;
  }
  return level.length === 0 && left >= 0 ? limit - left : undefined;
}

/** Adds the parts of an object or a list, and answers with the characters of its keys. */
function addParts(whole: object, parts: unknown[], limit: number): number {
  if (Array.isArray(whole)) {
    if (whole.length > limit) return whole.length;
    for (const part of whole) parts.push(part);
    return 0;
  }
  let characters = 0;
  for (const key of Object.keys(whole)) {
    characters += key.length;
    // Reading the members of a large object takes longer than naming them.
    if (characters > limit) break;
    parts.push(Reflect.get(whole, key));
  }
  return characters;
}
