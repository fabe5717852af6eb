import { expect, test } from 'vitest';
import { lifetimeSeconds, renewAfterSeconds } from '../../src/credentials/token-lifetime.ts';

const TEN_YEARS = 315_360_000;

test.each([
  [3600, 3600],
  [1.5, 1.5],
  ['3600', 3600],
  [' 60 ', 60],
  [0, 0],
  [-1, 0],
  ['-1', 0],
  [1e300, TEN_YEARS],
  [Number.MAX_SAFE_INTEGER, TEN_YEARS],
  ['1e300', TEN_YEARS],
  [undefined, undefined],
  [null, undefined],
  ['', undefined],
  ['   ', undefined],
  ['soon', undefined],
  ['Infinity', undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [true, undefined],
  [[3600], undefined],
  [{ seconds: 3600 }, undefined],
])('expires_in %o gives a lifetime of %o seconds', (expiresIn, seconds) => {
  expect(lifetimeSeconds(expiresIn)).toBe(seconds);
});

test.each([
  [86_400, 86_340],
  [240, 180],
  [239, 179.25],
  [100, 75],
  [30, 22.5],
  [0, 0],
  [undefined, undefined],
])('a token that lives %o seconds is renewed after %o', (lifetime, seconds) => {
  expect(renewAfterSeconds(lifetime)).toBe(seconds);
});
