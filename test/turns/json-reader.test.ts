import { describe, expect, it } from 'vitest';
import { type JsonLimits, JsonOverLimit } from '../../src/turns/json-limits.ts';
import { readJsonInSteps } from '../../src/turns/json-reader.ts';
import { createTurns } from '../../src/turns/turns.ts';
import { longestDelay } from '../support/longest-delay.ts';

const readJson = (text: string, limits: JsonLimits) => createTurns().take(readJsonInSteps(text, limits));
const LIMITS = { nesting: 100, values: 1_000_000, members: 50_000 };

describe('JSON of a server', () => {
  it.each([
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
  ])('is read as JSON.parse reads it: %s', async (text) => {
    const read = await readJson(text, LIMITS);
    expect(read).toEqual(JSON.parse(text));
    expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(text)));
  });

  it.each([
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
    'nul',
    'NaN',
    '"a',
    '"\n"',
    '"\\x"',
    '"\\"',
    '[1] 2',
    '\u00a01',
    "'a'",
  ])('is none where JSON.parse reads none: %j', async (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    await expect(readJson(text, LIMITS)).rejects.toThrow(SyntaxError);
  });

  it.each<[string, string, string]>([
    ['nesting', 'lists', '['.repeat(101) + ']'.repeat(101)],
    ['nesting', 'objects, a million, that never close', '{"a":'.repeat(1_000_000)],
    ['values', 'values', `[${'1,'.repeat(1_000_000)}1]`],
    ['members', 'members', `{${Array.from({ length: 50_001 }, (_, i) => `"${i}":1`).join()}}`],
  ])('is over the limit of %s with too many %s', async (limit, _, text) => {
    const failure = await readJson(text, LIMITS).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JsonOverLimit);
    expect(failure).toMatchObject({ limit });
  });

  it.each<[string, () => string]>([
    ['lists', () => `[${'[],'.repeat(900_000)}[]]`],
    ['keys', () => `[${Array.from({ length: 300_000 }, (_, i) => `{"k${i}":1}`).join()}]`],
    ['floats', () => `[${'1.2345678,'.repeat(900_000)}1]`],
    ['strings', () => `[${'"abcdef",'.repeat(900_000)}1]`],
  ])('holds up the event loop less than JSON.parse does, with many %s', async (_, create) => {
    const text = create();
    const native = await longestDelay(async () => JSON.parse(text));
    const own = await longestDelay(() => readJson(text, LIMITS));
    expect(own).toBeLessThan(native / 2);
  });
});
