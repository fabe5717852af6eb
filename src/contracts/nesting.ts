/** Levels of nesting that JSON from outside may have: deeper values overflow the stack of `JSON.stringify`. */
export const MAX_NESTING = 100;

/** Whether a JSON value nests deeper than `limit` levels. Not recursive, for the same reason. */
export function nestsDeeper(value: unknown, limit: number = MAX_NESTING): boolean {
  let level = [value];
  for (let depth = 0; depth <= limit && level.length > 0; depth++) {
    level = level.flatMap((entry) =>
      typeof entry === 'object' && entry !== null ? Object.values(entry) : [],
    );
  }
  return level.length > 0;
}
