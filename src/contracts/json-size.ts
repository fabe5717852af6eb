/** Limits on JSON values from outside. Nothing here is recursive, because such values may nest to any depth. */

/** Levels of nesting that JSON from outside may have. Deeper values overflow the stack of `JSON.stringify`. */
export const MAX_NESTING = 100;

/** The characters that brackets, commas, quotes and short literals add for each part of a value, estimated. */
const CHARACTERS_PER_PART = 4;

/** Whether a JSON value nests deeper than `limit` levels. */
export function exceedsDepth(value: unknown, limit: number = MAX_NESTING): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= limit && level.length > 0; depth++) level = partsOf(level);
  return level.length > 0;
}

/** Whether a JSON value has at most about `limit` characters and nests at most `MAX_NESTING` levels deep. */
export function isWithin(value: unknown, limit: number): boolean {
  return charactersWithin(value, limit) !== undefined;
}

/**
 * Estimates the characters of a JSON value. Undefined if there are more than `limit`, or if it nests deeper than
 * `MAX_NESTING`. Stops at `limit`, so that it takes milliseconds for a value of any size.
 */
export function charactersWithin(value: unknown, limit: number): number | undefined {
  let left = limit;
  let level: unknown[] = [value];
  for (let depth = 0; depth <= MAX_NESTING && level.length > 0; depth++) {
    const below: unknown[] = [];
    for (const part of level) {
      left -= typeof part === 'string' ? part.length : CHARACTERS_PER_PART;
      if (left < 0) return undefined;
      if (typeof part === 'object' && part !== null) left -= addParts(part, below, left);
    }
    level = below;
  }
  return level.length === 0 && left >= 0 ? limit - left : undefined;
}

/** Adds the parts of an object or a list to `parts`; returns the characters of the keys. */
function addParts(whole: object, parts: unknown[], limit: number): number {
  if (Array.isArray(whole)) {
    if (whole.length > limit) return whole.length;
    for (const part of whole) parts.push(part);
    return 0;
  }
  let characters = 0;
  for (const key of Object.keys(whole)) {
    characters += key.length;
    // Reading the members of a large object takes longer than listing their names.
    if (characters > limit) break;
    parts.push(Reflect.get(whole, key));
  }
  return characters;
}

/** Returns the parts one level down. A loop: `flatMap` takes 100 ms for a mebibyte of empty lists, this takes 10 ms. */
function partsOf(level: readonly unknown[]): unknown[] {
  const parts: unknown[] = [];
  for (const whole of level) {
    if (typeof whole !== 'object' || whole === null) continue;
    for (const part of Array.isArray(whole) ? whole : Object.values(whole)) parts.push(part);
  }
  return parts;
}
