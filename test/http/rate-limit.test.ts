import { describe, expect } from 'vitest';
import { createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, type HttpFixture, PUBLIC_URL } from './http-fixture.ts';

const test = httpTestWith(() =>
  createHttpFixture({ http: { requestsPerMinute: 3, trustProxy: true } }),
).extend('statuses', ({ fixture }) => async (times: number, request: Parameters<HttpFixture['ask']>[0]) => {
  const answers = [];
  for (let i = 0; i < times; i++) answers.push(await fixture.ask(request));
  return answers;
});

describe('the rate limit', () => {
  test('is a 429 that says when to come back', async ({ statuses }) => {
    const answers = await statuses(4, { url: '/steps', user: 'busy' });
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 429]);
    expect(answers[3]?.json().code).toBe('too-many-requests');
    expect(Number(answers[3]?.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answers[3]?.headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  test("is each user's own, wherever they come from", async ({ statuses }) => {
    const from = (address: string) => ({ 'x-forwarded-for': address });
    await statuses(3, { url: '/steps', user: 'one', headers: from('192.0.2.1') });
    const [other] = await statuses(1, { url: '/steps', user: 'two', headers: from('192.0.2.1') });
    const [same] = await statuses(1, { url: '/steps', user: 'one', headers: from('192.0.2.2') });
    expect([other?.statusCode, same?.statusCode]).toEqual([200, 429]);
  });

  test('counts those without a valid token by address, where users are not held to it', async ({
    statuses,
  }) => {
    const headers = { 'x-forwarded-for': '192.0.2.9' };
    const guesses = await statuses(4, {
      url: '/steps',
      user: null,
      headers: { ...headers, authorization: 'Bearer x' },
    });
    expect(guesses.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 429]);
    const [user] = await statuses(1, { url: '/steps', user: 'honest', headers });
    expect(user?.statusCode).toBe(200);
  });

  test('takes the addresses of one IPv6 subscriber as one', async ({ statuses }) => {
    const answers = [];
    for (const host of ['1', '2', '3', '4']) {
      const headers = { 'x-forwarded-for': `2001:db8:1:2::${host}` };
      answers.push(...(await statuses(1, { url: '/sign-in', user: null, headers })));
    }
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 429]);
  });

  test('counts addresses and methods that do not exist', async ({ statuses }) => {
    const from = (address: string) => ({ user: null, headers: { 'x-forwarded-for': address } });
    const unknown = await statuses(4, { url: '/nowhere', ...from('192.0.2.20') });
    expect(unknown.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404, 429]);
    const wrong = await statuses(4, { method: 'PATCH', url: '/steps', ...from('192.0.2.21') });
    expect(wrong.map(({ statusCode }) => statusCode)).toEqual([405, 405, 405, 429]);
  });

  test('of addresses may be another one than that of users', async () => {
    const fixture = await createHttpFixture({ http: { requestsPerMinute: 2, addressRequestsPerMinute: 1 } });
    const statuses = [];
    for (const user of ['one', 'one', 'one', null, null]) {
      statuses.push((await fixture.ask({ url: '/steps', user })).statusCode);
    }
    await fixture.close();
    expect(statuses).toEqual([200, 200, 429, 401, 429]);
  });

  test("of a session is its user's, wherever the browser is", async () => {
    const fixture = await createHttpFixture({ http: { requestsPerMinute: 3, trustProxy: true } });
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
    browser.cookies.set('__Host-latchkey-session', session);
    const statuses = [];
    for (const address of ['192.0.2.30', '192.0.2.31', '192.0.2.32', '192.0.2.33']) {
      const answer = await browser.call('GET', '/steps', undefined, { 'x-forwarded-for': address });
      statuses.push(answer.statusCode);
    }
    await fixture.close();
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  test('does not hold off load balancers', async ({ statuses }) => {
    const answers = await statuses(10, { url: '/health', user: null });
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  });
});

describe('a reverse proxy', () => {
  const PROXY = '10.1.2.3';
  const open = (fixture: HttpFixture, remoteAddress: string, headers: Record<string, string>) =>
    fixture.app.inject({
      url: '/sign-in',
      remoteAddress,
      headers: { host: 'latchkey.internal', ...headers },
    });

  test('that is trusted says which host and which address a browser has', async () => {
    const fixture = await createHttpFixture({ http: { requestsPerMinute: 1, trustProxy: ['10.0.0.0/8'] } });
    const forwarded = (address: string) => ({
      'x-forwarded-host': 'latchkey.example',
      'x-forwarded-for': address,
    });
    const statuses = [];
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
      statuses.push((await open(fixture, PROXY, forwarded(address))).statusCode);
    }
    await fixture.close();
    expect(statuses).toEqual([200, 200, 429]);
  });

  test('that is not trusted does not', async () => {
    const fixture = await createHttpFixture({ http: { requestsPerMinute: 1, trustProxy: ['10.0.0.0/8'] } });
    const headers = { 'x-forwarded-host': 'latchkey.example', 'x-forwarded-for': '192.0.2.1' };
    const first = await open(fixture, '203.0.113.9', headers);
    const second = await open(fixture, '203.0.113.9', { ...headers, 'x-forwarded-for': '192.0.2.2' });
    await fixture.close();
    expect(first.headers.location).toBe('https://latchkey.example/mcp/sign-in');
    expect(second.statusCode).toBe(429);
  });
});
