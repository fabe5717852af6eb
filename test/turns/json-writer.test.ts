import { expect, it } from 'vitest';
import { stringifyInSteps } from '../../src/turns/json-writer.ts';
import { createTurns } from '../../src/turns/turns.ts';
import { longestDelay } from '../support/longest-delay.ts';

const write = (value: unknown) => createTurns().take(stringifyInSteps(value));

it.each<[string, unknown]>([
  ['text', 'a"\\\u0000\ud800é'],
  ['numbers', [0, -0, 1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY]],
  ['what has no form', [undefined, () => 1, { a: undefined, b: () => 1, c: null }]],
  ['a date', { at: new Date(0) }],
  ['empty ones', [{}, [], [[]], { a: {} }]],
  ['odd names', JSON.parse('{"__proto__":1,"1":2,"":3,"toJSON":4,"\\n":5}')],
  ['more than a part', Array.from({ length: 5_000 }, (_, i) => ({ [`é${i}`]: '\ud83d\ude00' }))],
])('writes as JSON.stringify does: %s', async (_, value) => {
  expect(await write(value)).toBe(JSON.stringify(value));
});

it('writes what nests too deeply for JSON.stringify', async () => {
  const text = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(await write(JSON.parse(text))).toBe(text);
});

it('holds the event loop up less than JSON.stringify does', async () => {
  const value = Array.from({ length: 500_000 }, (_, i) => ({ [`k${i}`]: i }));
  const native = await longestDelay(async () => JSON.stringify(value));
  expect(await longestDelay(() => write(value))).toBeLessThan(native);
});
