/** Counted as people count: an emoji of several code points is one character. */
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A character may have any number of accents. */
const UNITS_PER_CHARACTER = 4;

/** Cuts a text that is longer than `maxCharacters`, and ends it with an ellipsis. */
export function shortText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const maxUnits = maxCharacters * UNITS_PER_CHARACTER;
  let short = '';
  let characters = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    if (characters === maxCharacters - 1 || short.length + segment.length > maxUnits) break;
    short += segment;
    characters += 1;
  }
  return short.length === text.length ? text : `${short}…`;
}
