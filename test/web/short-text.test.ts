import { expect, test } from 'vitest';
import { shortText } from '../../src/web/short-text.ts';

const FAMILY = '👩‍👩‍👧‍👦';

test.for([
  ['', 5, ''],
  ['12345', 5, '12345'],
  ['123456', 5, '1234…'],
  // Fewer characters than code units.
  [FAMILY, 2, FAMILY],
  [FAMILY.repeat(3), 2, `${FAMILY}…`],
  ['e\u0301e\u0301', 2, 'e\u0301e\u0301'],
] as const)('%j is cut to %i characters', ([text, max, expected]) => {
  expect(shortText(text, max)).toBe(expected);
});

test('a character with very many accents does not make a text long', () => {
  expect(shortText(`ab${'\u0301'.repeat(10_000)}`, 10)).toBe('a…');
});
