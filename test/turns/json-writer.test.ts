import { describe, expect, test } from 'vitest';
import { createTurns } from '../../src/turns/turns.ts';
import { writeJson, writeJsonInPieces } from '../../src/turns/write-json.ts';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';

// `writeJson` writes a small value at once; `writeJsonInPieces` always writes in steps.
describe.each([
  ['writeJson', writeJson],
  ['writeJsonInPieces', writeJsonInPieces],
])('%s', (_, steps) => {
  const write = async (value: unknown) => (await createTurns().take(steps(value))).toString();

  test.each<[string, unknown]>([
    ['text', 'a"\\\u0000\ud800é'],
    ['numbers', [0, -0, 1.5, 1e300, 2 ** 53 + 2, Number.NaN, Number.POSITIVE_INFINITY]],
    ['what has no form', [undefined, () => 1, { a: undefined, b: () => 1, c: null }]],
    ['a date', { at: new Date(0) }],
    ['empty ones', [{}, [], [[]], { a: {} }]],
    ['odd names', JSON.parse('{"__proto__":1,"1":2,"":3,"toJSON":4,"\\n":5}')],
    ['more than a part', Array.from({ length: 5_000 }, (_, i) => ({ [`é${i}`]: '\ud83d\ude00' }))],
    ['long texts', ['x'.repeat(200_000), { '\ud83d\ude00': `a${'\ud83d\ude00'.repeat(100_000)}` }]],
    ['a long text of halves', 'a\ud83d'.repeat(70_000)],
    ['long texts of escapes', ['\n"\\\u0001'.repeat(40_000)]],
    ['a long name', { ['é"'.repeat(100_000)]: 1 }],
  ])('writes as JSON.stringify does: %s', async (_, value) => {
    expect((await write(value)) === JSON.stringify(value)).toBe(true);
  });

  test('writes what nests too deeply for JSON.stringify', async () => {
    const text = '['.repeat(100_000) + ']'.repeat(100_000);
    expect((await write(JSON.parse(text))) === text).toBe(true);
  });

  test('takes no bigint', async () => {
    await expect(write({ a: 1n })).rejects.toThrow(TypeError);
  });
});

test('holds the event loop up less than JSON.stringify does', async () => {
  const value = Array.from({ length: 500_000 }, (_, i) => ({ [`k${i}`]: i }));
  const native = await longestDelay(async () => JSON.stringify(value));
  const own = await leastDelay(() => createTurns().take(writeJson(value)), { below: native });
  expect(own).toBeLessThan(native);
});

test('writes a small value at once and a large one in steps', () => {
  expect(writeJson({ text: 'x'.repeat(60_000) }).next()).toMatchObject({ done: true });
  const large = writeJson({ text: 'x'.repeat(10_000_000) });
  let steps = 0;
  while (!large.next().done) steps += 1;
  expect(steps).toBeGreaterThan(100);
});
