import { describe, expect, test } from 'vitest';
import { type JsonLimits, JsonOverLimit } from '../../src/turns/json-limits.ts';
import { readJsonInPieces } from '../../src/turns/json-reader.ts';
import { readJson } from '../../src/turns/read-json.ts';
import { createTurns } from '../../src/turns/turns.ts';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';

const LIMITS: JsonLimits = {
  nesting: 100,
  values: 1_000_000,
  members: 50_000,
  keyLength: 65_536,
  numberLength: 65_536,
};

// `readJson` reads short texts in another way, with the same result.
describe.each([
  ['readJson', readJson],
  ['readJsonInPieces', readJsonInPieces],
])('JSON of a server, by %s', (_, steps) => {
  const read = async (text: string, limits = LIMITS) => createTurns().take(steps(text, limits));
  const failureOf = (text: string, limits = LIMITS) => read(text, limits).catch((error: unknown) => error);

  test.each([
    '{}',
    '[]',
    ' [ 1 , -0 , 0.5e-3 , 1E400 , "a\\u00e9\\"\\\\" , true , false , null ] ',
    '{"a":{"b":[{},[],[[]]]},"1":{"2":3},"a":4}',
    '{"__proto__":{"x":1},"constructor":2,"toJSON":3}',
    '"only a string"',
    '12',
    'null',
    '"\\ud800"',
    '["\\\\"]',
    '["\\\\\\""]',
    '[9007199254740993,0.1234567890123456789,12345678901234567890e-3]',
  ])('is read as JSON.parse reads it: %s', async (text) => {
    const value = await read(text);
    expect(value).toEqual(JSON.parse(text));
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
  });

  test.each<[string, string]>([
    ['', 'x'],
    [' of two bytes each', '漢'],
    [' of pairs', 'a\ud83d\ude00'],
    [' of half pairs', 'a\ud83d'],
    [' of escapes', '\\n\\"\\\\a'],
    [' of escapes by number', '\\u00e9\\ud83d\\ude00\\"'],
    [' of backslashes', '\\\\'],
  ])('is read as JSON.parse reads it: a long string%s, wherever the pieces end', async (_, unit) => {
    for (const before of ['', 'a', 'ab', 'abc', 'abcd', 'abcde']) {
      const text = `{"${before}":["${before}${unit.repeat(Math.ceil(200_000 / unit.length))}",1]}`;
      expect(JSON.stringify(await read(text)) === JSON.stringify(JSON.parse(text))).toBe(true);
    }
  });

  test('is read as JSON.parse reads it: much space between values', async () => {
    const space = ' \t\n\r'.repeat(50_000);
    expect(
      await read(`${space}[${space}1${space},${space}{${space}"a"${space}:${space}2}${space}]${space}`),
    ).toEqual([1, { a: 2 }]);
  });

  test.each([
    '',
    ' ',
    '{',
    '[',
    '[1',
    '[1,]',
    '[,1]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a" 1}',
    '{"a"::1}',
    '{a:1}',
    '[1 2]',
    '[1]]',
    '[1}',
    '{"a":1]',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1-2',
    '1e',
    'e1',
    'nul',
    'NaN',
    '"a',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\u12","a"',
    '"\\"',
    '"\\',
    '[1] 2',
    '\u00a01',
    "'a'",
    `["${'x'.repeat(70_000)}\n"]`,
    `["${'x'.repeat(70_000)}`,
    `["${'x'.repeat(70_000)}\\`,
  ])('is refused when JSON.parse refuses it: %.20j', async (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    await expect(read(text)).rejects.toThrow(SyntaxError);
  });

  test.each<[keyof JsonLimits, string, string]>([
    ['nesting', 'lists', '['.repeat(101) + ']'.repeat(101)],
    ['nesting', 'lists that another member replaces', `{"a":${'['.repeat(100)}${']'.repeat(100)},"a":1}`],
    ['nesting', 'lists, and is none besides', `${'['.repeat(101)}x`],
    ['nesting', 'objects, a million, that never close', '{"a":'.repeat(1_000_000)],
    ['values', 'values', `[${'1,'.repeat(1_000_000)}1]`],
    ['members', 'members', `{${Array.from({ length: 50_001 }, (_, i) => `"${i}":1`).join()}}`],
    ['members', 'members of one name', `{${'"a":1,'.repeat(50_000)}"a":1}`],
    ['keyLength', 'characters of a key', `{"${'k'.repeat(65_537)}":1}`],
    ['keyLength', 'characters of a long key', `{"${'k'.repeat(1_000_000)}":1}`],
    ['numberLength', 'digits', `[${'1'.repeat(65_537)}]`],
    ['numberLength', 'decimals', `[0.${'1'.repeat(1_000_000)}]`],
  ])('is over the limit of %s with too many %s', async (limit, _, text) => {
    const failure = await failureOf(text);
    expect(failure).toBeInstanceOf(JsonOverLimit);
    expect(failure).toMatchObject({ limit });
  });

  test.each<[keyof JsonLimits, string, string]>([
    ['nesting', '[[[1],"[[[[[["]]', '[[[[1]]]]'],
    ['values', '[1,2,3,4]', '[1,2,3,4,5]'],
    ['members', '{"a":1,"b":2}', '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}'],
    ['keyLength', '{"a":"aaaaaaa"}', '{"aaaaaa":1}'],
    ['numberLength', '[1,"1111111"]', '[111111]'],
  ])('is within a low limit of %s, or over it', async (limit, within, over) => {
    const limits = { ...LIMITS, [limit]: limit === 'nesting' ? 3 : 5 };
    expect(await read(within, limits)).toEqual(JSON.parse(within));
    expect(await failureOf(over, limits)).toMatchObject({ limit });
  });
});

test.each<[string, () => string]>([
  ['lists', () => `[${'[],'.repeat(900_000)}[]]`],
  ['keys', () => `[${Array.from({ length: 300_000 }, (_, i) => `{"k${i}":1}`).join()}]`],
  ['floats', () => `[${'1.2345678,'.repeat(900_000)}1]`],
  ['strings', () => `[${'"abcdef",'.repeat(900_000)}1]`],
])('JSON holds up the event loop less than JSON.parse does, with many %s', async (_, create) => {
  const text = create();
  const native = await longestDelay(async () => JSON.parse(text));
  const own = await leastDelay(() => createTurns().take(readJson(text, LIMITS)), { below: native / 2 });
  expect(own).toBeLessThan(native / 2);
});

test.each<[string, string]>([
  ['characters', 'x'],
  ['escapes', '\\"'],
  ['backslashes', '\\\\'],
])('a string of 10 MiB of %s is read in many steps', (_, unit) => {
  const steps = readJson(`["${unit.repeat((10 * 1024 * 1024) / unit.length)}"]`, LIMITS);
  let count = 0;
  while (!steps.next().done) count += 1;
  expect(count).toBeGreaterThan(100);
});

test('a short text is read at once', () => {
  const text = JSON.stringify(Array.from({ length: 1_000 }, (_, i) => ({ name: `tool-${i}` })));
  expect(readJson(text, LIMITS).next()).toEqual({ done: true, value: JSON.parse(text) });
});
