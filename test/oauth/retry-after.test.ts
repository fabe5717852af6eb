import { expect, test } from 'vitest';
import { retryAfterMs } from '../../src/oauth/retry-after.ts';

const NOW = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT');

test.each([
  [null, undefined],
  ['', undefined],
  ['  ', undefined],
  ['soon', undefined],
  ['0', 0],
  ['30', 30_000],
  [' 30 ', 30_000],
  ['-30', undefined],
  ['99999999999999999999', 86_400_000],
  ['Wed, 21 Oct 2015 07:29:00 GMT', 60_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['Fri, 21 Oct 2095 07:28:00 GMT', 86_400_000],
])('Retry-After %j is a wait of %j ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});
