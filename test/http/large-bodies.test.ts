import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';
import { type Answer, createHttpFixture, type HttpFixture, newId, registerServer } from './http-fixture.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
});
afterAll(() => fixture.close());

async function start(argumentsText: string, stepId = newId()): Promise<Answer> {
  const body = `{"mcpServerId":"notes","tool":"echo","stepId":"${stepId}","arguments":${argumentsText}}`;
  const headers = { 'content-type': 'application/json' };
  return fixture.ask({ method: 'POST', url: '/steps', headers, payload: body });
}

const levels = (count: number, inner: string) => `${'['.repeat(count)}${inner}${']'.repeat(count)}`;

// A body of more than 16 KiB is read in steps, with the same result.
describe.each([
  ['small', ''],
  ['large', 'x'.repeat(20_000)],
])('a %s body', (_, filling) => {
  const withMember = (member: string) => start(`{"filling":"${filling}",${member}}`);

  test.each<[string, string, string]>([
    ['a key that reaches a prototype', '"a":{"__proto__":{"b":1}}', 'invalid-request'],
    ['the same in escapes', '"a":{"\\u005f_proto__":{"b":1}}', 'invalid-request'],
    ['another one', '"a":{"constructor":{"prototype":{}}}', 'invalid-request'],
    ['the same in escapes of letters', '"a":{"constructor":{"\\u0070rototype":{}}}', 'invalid-request'],
    ['too many levels', `"a":${levels(99, '1')}`, 'invalid-request'],
    ['too many empty levels', `"a":${levels(100, '')}`, 'invalid-request'],
    ['very many levels', `"a":${levels(20_000, '')}`, 'invalid-request'],
    ['what is no JSON', '"a":01', 'invalid-request'],
    ['what ends early', '"a":[', 'invalid-request'],
    ['a number that would be rounded', '"a":[1,12345678901234567890]', 'number-not-exact'],
  ])('is refused for %s', async (_, member, code) => {
    const answer = await withMember(member);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().code).toBe(code);
  });

  test.each<[string, string]>([
    ['escapes', '"a":"\\u0041\\u00e9\\ud83d\\ude00\\n"'],
    ['words of prototypes as texts', '"a":["__proto__","prototype","constructor"]'],
    ['many levels', `"a":${levels(98, '1')}`],
    ['many empty levels', `"a":${levels(99, '')}`],
    ['numbers', '"a":[0,-1.5e3,9007199254740991]'],
    ['members of one name', '"a":1,"a":2'],
  ])('is taken as it is with %s', async (_, member) => {
    const stepId = newId();
    const answer = await start(`{"filling":"${filling}",${member}}`, stepId);
    expect(answer.statusCode).toBe(202);
    const started = fixture.steps.started.find((input) => input.stepId === stepId);
    expect(started?.arguments).toEqual(JSON.parse(`{"filling":"${filling}",${member}}`));
  });
});

test('a body of 80,000 members holds the event loop up less than JSON.parse does', async () => {
  const members = Array.from({ length: 80_000 }, (_, i) => `"k${i}":1`).join();
  const native = await longestDelay(async () => JSON.parse(`{${members}}`));
  let status: number | undefined;
  const own = await leastDelay(
    async () => {
      status = (await start(`{${members},"n":12345678901234567890}`)).statusCode;
    },
    { below: native },
  );
  expect(status).toBe(400);
  expect(own).toBeLessThan(native);
});
