import { expect, test, vi } from 'vitest';
import { backoffMs, withJitter } from '../../src/contracts/backoff.ts';

test('a wait doubles with each retry, up to its limit', () => {
  const waits = [0, 1, 2, 3, 4, 5_000].map((retries) => backoffMs({ firstMs: 100, maxMs: 1_000 }, retries));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test('a wait grows by another factor where one is given', () => {
  expect(backoffMs({ firstMs: 1_000, maxMs: 60_000, factor: 1.5 }, 2)).toBe(2_250);
});

test.each([
  [0, 500],
  [0.5, 750],
  [0.9999, 1_000],
])('jitter is one random number (%d) between the two ends', (random, expected) => {
  const spy = vi.spyOn(Math, 'random').mockReturnValue(random);
  expect(withJitter(1_000, { from: 0.5, spread: 0.5 })).toBe(expected);
  expect(spy).toHaveBeenCalledOnce();
  spy.mockRestore();
});
