/** Counts as people do: an emoji of several code points is one character. */
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A character may have any number of accents. The longest emoji in use have about 30 units. */
const UNITS_PER_CHARACTER = 8;
const MIN_UNITS = 40;

/** Trims a text, cuts it if it is longer than `maxCharacters`, and ends it with an ellipsis then. */
export function shortText(given: string, maxCharacters: number): string {
  const text = given.trim();
  if (text.length <= maxCharacters) return text;
  const maxUnits = Math.max(maxCharacters * UNITS_PER_CHARACTER, MIN_UNITS);
  const ends: number[] = [];
  for (const { index, segment } of SEGMENTER.segment(text)) {
    const end = index + segment.length;
    if (ends.length === maxCharacters || end > maxUnits)
      return `${text.slice(0, cutAt(ends, maxCharacters))}…`;
    ends.push(end);
  }
  return text;
}

// The ellipsis takes the place of a character.
function cutAt(ends: readonly number[], maxCharacters: number): number {
  return ends.slice(0, maxCharacters - 1).at(-1) ?? 0;
}
