import { expect, test } from 'vitest';
import { median, percentile, rounded, spreadOf } from '../../bench/statistics.ts';

test.each([
  [[7], 7],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('a percentile is one of the values, by nearest rank', () => {
  const oneToTwenty = Array.from({ length: 20 }, (_, index) => 20 - index);

  expect(percentile(oneToTwenty, 50)).toBe(10);
  expect(percentile(oneToTwenty, 95)).toBe(19);
  expect(percentile(oneToTwenty, 100)).toBe(20);
  expect(percentile([5], 95)).toBe(5);
});

test('a spread says how far the runs lie apart, and leaves them in their order', () => {
  const runs = [30, 10, 20];

  expect(spreadOf(runs)).toEqual({ median: 20, min: 10, max: 30 });
  expect(runs).toEqual([30, 10, 20]);
});

test('no values have no median: a phase without runs fails instead of reporting 0', () => {
  expect(() => median([])).toThrow(/no values/);
  expect(() => spreadOf([])).toThrow(/no values/);
  expect(() => percentile([], 50)).toThrow(/no values/);
});

test('rounds to digits', () => {
  expect(rounded(1.2345, 2)).toBe(1.23);
  expect(rounded(22.354999999999997, 2)).toBe(22.35);
});
