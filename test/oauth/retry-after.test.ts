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
])('Retry-After %j means a wait of %j ms', (header, ms) => {
  expect(retryAfterMs(header, null, NOW)).toBe(ms);
});

test.each([
  ['the clock of the server that names it', 'Wed, 21 Oct 2015 07:38:00 GMT', 60_000],
  ['ours where the server does not say its time', null, 660_000],
  ['ours where what the server says is none', 'soon', 660_000],
])('a date may be written as %s', (_whose, date, ms) => {
  expect(retryAfterMs('Wed, 21 Oct 2015 07:39:00 GMT', date, NOW)).toBe(ms);
});
