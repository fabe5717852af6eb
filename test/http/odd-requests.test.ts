import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpFixture, DEPOSIT, type HttpFixture, registerServer, token } from './http-fixture.ts';

let fixture: HttpFixture;
let port: number;
beforeAll(async () => {
  fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  const address = fixture.app.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => fixture.close());

/** The path as it stands: clients, and Fastify's own injection, would resolve its dots. */
async function askRaw(
  path: string,
  method = 'GET',
  headers = {},
): Promise<{ status?: number; code?: string }> {
  const authorization = `Bearer ${await token({ sub: 'alice' })}`;
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method, headers: { authorization, ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const { statusCode: status = 0 } = answer;
        const text = Buffer.concat(chunks).toString();
        resolve({ status, ...(text.startsWith('{') && { code: JSON.parse(text).code }) });
      });
    });
    sent.on('error', reject).end();
  });
}

describe('an address of the documentation', () => {
  it.each([
    '%2e%2e',
    '..',
    '%2e%2e/',
    '%2E%2E/%2e%2e/package.json',
    '..%2f..%2fpackage.json',
    '%2e%2e%5cx',
    '%5c..',
    '%5c%2e%2e%5cpackage.json',
    '%252e%252e/x',
    '.git',
    '%2e%67it',
    'x'.repeat(9_000),
  ])('that leads to no file of it is a 404: %s', async (path) => {
    expect(await askRaw(`/docs/static/${path}`)).toEqual({ status: 404, code: 'not-found' });
  });

  it.each(['%00', 'index.html%00', '%zz', '%', '%ff', '%c0%ae%c0%ae/'])(
    'that is broken is a 400: %s',
    async (path) => {
      expect(await askRaw(`/docs/static/${path}`)).toEqual({ status: 400, code: 'invalid-request' });
    },
  );

  it('that leads to one is a 200', async () => {
    expect(await askRaw('/docs/static/swagger-ui.css')).toEqual({ status: 200 });
  });

  it.each([
    [416, { range: 'bytes=999999999-' }],
    [416, { range: 'bytes=-0' }],
    [412, { 'if-match': '"a"' }],
    [412, { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
  ])('that leads to one is a %i where the headers ask for what it is not: %j', async (status, headers) => {
    const answer = await askRaw('/docs/static/swagger-ui.css', 'GET', headers);
    expect(answer).toEqual({ status, code: 'invalid-request' });
  });
});

describe('the date of a deposited client secret', () => {
  const deposit = (clientSecretExpiresAt: string) =>
    fixture.ask({
      method: 'POST',
      url: '/mcp-oauth-credentials',
      payload: { ...DEPOSIT, clientId: 'c', clientSecret: 's', clientSecretExpiresAt },
    });

  it.each([
    '-271821-04-20T00:00:00.000Z',
    '-005000-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '0000-01-01',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+12:00',
    '9999-12-31T23:59:59-12:00',
    '+010000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    'yesterday',
    '',
  ])('is a 400 that names it where it is %s', async (date) => {
    const answer = await deposit(date);
    expect([answer.statusCode, answer.json().errors?.[0]?.path]).toEqual([400, 'clientSecretExpiresAt']);
  });

  it.each(['0001-01-01', '1969-12-31T23:59:59Z', '2026-12-31', '9999-12-31T23:59:59.999Z'])(
    'is stored where it is %s',
    async (date) => {
      expect((await deposit(date)).statusCode).toBe(200);
    },
  );
});

describe('a text that has no UTF-8 form, or holds control characters,', () => {
  it.each([
    ['refreshToken', '\ud800'],
    ['refreshToken', 'a\u0000'],
    ['clientId', '\udfff'],
    ['clientId', 'a\u0085b'],
    ['mcpServerId', 'a\ud800b'],
    ['scopes', '\u0000'],
    ['accessToken', '\ud800'],
  ])('is a 400 in a deposit: %s', async (field, value) => {
    const payload = { ...DEPOSIT, [field]: value };
    const answer = await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload });
    expect([answer.statusCode, answer.json().errors?.[0]?.path]).toEqual([400, field]);
  });

  it.each([
    ['POST', '/steps', { mcpServerId: 'notes', tool: 't', title: '\ud800' }],
    ['POST', '/steps', { mcpServerId: 'notes', tool: '\ud800' }],
    ['GET', '/list-mcp-tools?mcpServerId=%00', undefined],
    ['GET', '/mcp-tools?mcpServerId=a&mcpServerId=%7f', undefined],
    ['GET', '/steps/%00', undefined],
    ['GET', '/steps?cursor=%00', undefined],
    ['DELETE', '/mcp-oauth-credentials/a%00', undefined],
  ] as const)('is a 400 anywhere else: %s %s', async (method, url, payload?: object) => {
    const answer = await fixture.ask({ method, url, ...(payload && { payload }) });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid-request']);
  });
});

describe('a query', () => {
  it.each([
    'limit=0x10',
    'limit=1.0',
    'limit=%2B5',
    'limit=1e1',
    'limit=1e999',
    'limit=99999999999999999999',
    'limit=%20',
    'limit=',
    'limit=0',
    'limit=101',
    'limit=1&limit=2',
    'status=running&status=error',
    'cursor=a&cursor=b',
    'limit[]=1',
    '__proto__=1',
    'constructor=1',
  ])('of a list that is not as described is a 400: %s', async (query) => {
    const answer = await fixture.ask({ url: `/steps?${query}` });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid-request']);
  });

  it.each(['1', '100', '7'])('of a list may name a limit of %s', async (limit) => {
    expect((await fixture.ask({ url: `/steps?limit=${limit}` })).statusCode).toBe(200);
  });

  it.each(['99999999999999999999999s', '-1s', '1e3s', '%00', '61s'])(
    'that waits for %s is a 400',
    async (wait) => {
      expect((await fixture.ask({ url: `/steps/s?wait=${wait}` })).statusCode).toBe(400);
    },
  );
});
