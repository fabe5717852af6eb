import { describe, expect, test } from 'vitest';
import { unsendableNumbers } from '../../src/contracts/number-problems.ts';

const placesIn = (value: unknown) => unsendableNumbers(value, ['arguments']).map(({ path }) => path);

describe('numbers that JSON can only change', () => {
  test.each<[name: string, value: unknown, places: string[]]>([
    ['NaN', { a: NaN }, ['arguments.a']],
    ['infinities', { a: [Infinity, { b: -Infinity }] }, ['arguments.a.0', 'arguments.a.1.b']],
    ['an integer that was rounded', { id: Number('918273645546372817') }, ['arguments.id']],
    [
      'an integer that may have been',
      { id: 2 ** 53, more: [-(2 ** 53)] },
      ['arguments.id', 'arguments.more.0'],
    ],
    ['a bigint', { id: 1n }, ['arguments.id']],
    ['the whole', NaN, ['arguments']],
  ])('are found: %s', (_, value, places) => {
    expect(placesIn(value)).toEqual(places);
  });

  test('are not reported elsewhere', () => {
    const fine = [0, -0, 1.5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e21, 6.02214076e23, 5e-324];
    expect(placesIn({ fine, texts: ['NaN', '918273645546372817'], none: [null, undefined, true] })).toEqual(
      [],
    );
    expect(placesIn(undefined)).toEqual([]);
  });

  test('are found in a value that holds itself', () => {
    const value: Record<string, unknown> = { n: NaN };
    value.self = [value, { value }];
    expect(placesIn(value)).toEqual(['arguments.n']);
  });

  test('are named up to a hundred times', () => {
    expect(placesIn(Array(1_000).fill(NaN))).toHaveLength(100);
  });
});
