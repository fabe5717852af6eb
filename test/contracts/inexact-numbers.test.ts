import { describe, expect, test } from 'vitest';
import { walkNumbers } from '../../src/contracts/inexact-numbers.ts';
import { leastDelay } from '../support/longest-delay.ts';

const LONG = '918273645546372817';
const find = (json: string) => [...walkNumbers(json)].filter((found) => found !== undefined);
const placesIn = (json: string) => find(json).map(({ path }) => path);

describe('numbers that would be rounded', () => {
  test.each<[name: string, json: string, places: (string | number)[][]]>([
    ['the whole', LONG, [[]]],
    ['a field', `{"id":${LONG}}`, [['id']]],
    ['a negative one', `{"id":-${LONG}}`, [['id']]],
    ['one between spaces', ` {\n "id" :\t${LONG} , "a": 1 } `, [['id']]],
    ['an element', `[1,"x",[],${LONG}]`, [[3]]],
    ['deep down', `{"a":{"x":1},"b":[{"c":[0,{"d":${LONG}}]}]}`, [['b', 0, 'c', 1, 'd']]],
    [
      'several',
      `{"a":${LONG},"b":[${LONG},1,${LONG}],"c":{},"d":${LONG}}`,
      [['a'], ['b', 0], ['b', 2], ['d']],
    ],
    ['after what closed', `{"a":{"b":[{"c":1}]},"d":[[],[[]],${LONG}]}`, [['d', 2]]],
    ['under escaped names', `{"a\\"b":{"\\u0069\\\\":${LONG}}}`, [['a"b', 'i\\']]],
    ['under no name', `{"":{"":${LONG}}}`, [['', '']]],
    ['under a name that looks like a number', `{"${LONG}":${LONG}}`, [[LONG]]],
    ['under one name twice', `{"id":${LONG},"id":1}`, [['id']]],
    ['an infinity', '{"a":1e999}', [['a']]],
  ])('are found: %s', (_, json, places) => {
    expect(placesIn(json)).toEqual(places);
    JSON.parse(json);
  });

  test.each([
    ['in a text', `{"id":"${LONG}"}`],
    ['in a name', `{"${LONG}":1}`],
    ['behind a quote in a text', `{"id":"\\",\\"x\\":${LONG}"}`],
    ['behind backslashes in a text', `{"id":"\\\\\\" ${LONG}","b":"\\\\"}`],
    ['behind brackets in a text', `["[{",": ${LONG}, ","}]",1e5]`],
    ['in a hash', '{"sha":"3e400d1234567890123456789"}'],
    ['as a float', `[0.1,1e21,1e-7,12345678.9012345]`],
    ['as no number at all', '[true,false,null,{},[],"",1e2]'],
  ])('are not reported %s', (_, json) => {
    expect(placesIn(json)).toEqual([]);
    JSON.parse(json);
  });

  test('are reported as they are written', () => {
    expect(find(`{"a":-${LONG}.50}`)).toEqual([{ path: ['a'], literal: `-${LONG}.50` }]);
  });

  test('are found in a large and deep text without recursion and in no time', async () => {
    const deep = `${'['.repeat(200_000)}${LONG}${']'.repeat(200_000)}`;
    const text = JSON.stringify('\\"'.repeat(2_000_000));
    const took = await leastDelay(
      async () => {
        expect(placesIn(deep).map((path) => path.length)).toEqual([200_000]);
        expect(placesIn(`{"a":${text},"b":${LONG}}`)).toEqual([['b']]);
      },
      { below: 5_000 },
    );
    expect(took).toBeLessThan(5_000);
  });
});
