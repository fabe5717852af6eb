import { request } from 'node:http';
import { describe, expect } from 'vitest';
import { notesTest } from './fixtures.ts';
import { DEPOSIT, token } from './http-fixture.ts';

const test = notesTest
  /** Sends the path unchanged. HTTP clients and Fastify's injection would resolve its dots. */
  .extend(
    'askRaw',
    ({ port }) =>
      async (path: string, method = 'GET', headers = {}): Promise<{ status?: number; code?: string }> => {
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
      },
  )
  .extend(
    'deposit',
    ({ fixture }) =>
      (clientSecretExpiresAt: string) =>
        fixture.ask({
          method: 'POST',
          url: '/mcp-oauth-credentials',
          payload: { ...DEPOSIT, clientId: 'c', clientSecret: 's', clientSecretExpiresAt },
        }),
  );

describe('a URL of the documentation', () => {
  test.for([
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
  ])('that names none of its files is a 404: %s', async (path, { askRaw }) => {
    expect(await askRaw(`/docs/static/${path}`)).toEqual({ status: 404, code: 'not-found' });
  });

  test.for(['%00', 'index.html%00', '%zz', '%', '%ff', '%c0%ae%c0%ae/'])(
    'that is broken is a 400: %s',
    async (path, { askRaw }) => {
      expect(await askRaw(`/docs/static/${path}`)).toEqual({ status: 400, code: 'invalid-request' });
    },
  );

  test('that names one of its files is a 200', async ({ askRaw }) => {
    expect(await askRaw('/docs/static/swagger-ui.css')).toEqual({ status: 200 });
  });

  test.for([
    [416, { range: 'bytes=999999999-' }],
    [416, { range: 'bytes=-0' }],
    [412, { 'if-match': '"a"' }],
    [412, { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
  ] as const)(
    'that names one of its files is a %i with headers that do not fit: %j',
    async ([status, headers], { askRaw }) => {
      const answer = await askRaw('/docs/static/swagger-ui.css', 'GET', headers);
      expect(answer).toEqual({ status, code: 'invalid-request' });
    },
  );
});

describe('the date of a deposited client secret', () => {
  test.for([
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
  ])('is a 400 that names it where it is %s', async (date, { deposit }) => {
    const answer = await deposit(date);
    expect([answer.statusCode, answer.json().errors?.[0]?.path]).toEqual([400, 'clientSecretExpiresAt']);
  });

  test.for(['0001-01-01', '1969-12-31T23:59:59Z', '2026-12-31', '9999-12-31T23:59:59.999Z'])(
    'is stored where it is %s',
    async (date, { deposit }) => {
      expect((await deposit(date)).statusCode).toBe(200);
    },
  );
});

describe('a text that has no UTF-8 form, or holds control characters,', () => {
  test.for([
    ['refreshToken', '\ud800'],
    ['refreshToken', 'a\u0000'],
    ['clientId', '\udfff'],
    ['clientId', 'a\u0085b'],
    ['mcpServerId', 'a\ud800b'],
    ['scopes', '\u0000'],
    ['accessToken', '\ud800'],
  ] as const)('is a 400 in a deposit: %s', async ([field, value], { fixture }) => {
    const payload = { ...DEPOSIT, [field]: value };
    const answer = await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload });
    expect([answer.statusCode, answer.json().errors?.[0]?.path]).toEqual([400, field]);
  });

  test.for([
    ['POST', '/steps', { mcpServerId: 'notes', tool: 't', title: '\ud800' }],
    ['POST', '/steps', { mcpServerId: 'notes', tool: '\ud800' }],
    ['GET', '/list-mcp-tools?mcpServerId=%00', undefined],
    ['GET', '/mcp-tools?mcpServerId=a&mcpServerId=%7f', undefined],
    ['GET', '/steps/%00', undefined],
    ['GET', '/steps?cursor=%00', undefined],
    ['DELETE', '/mcp-oauth-credentials/a%00', undefined],
  ] as const)('is a 400 anywhere else: %s %s', async ([method, url, payload], { fixture }) => {
    const answer = await fixture.ask({ method, url, ...(payload && { payload }) });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid-request']);
  });
});

describe('a query', () => {
  test.for([
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
  ])('of a list that is not as described is a 400: %s', async (query, { fixture }) => {
    const answer = await fixture.ask({ url: `/steps?${query}` });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid-request']);
  });

  test.for(['1', '100', '7'])('of a list may name a limit of %s', async (limit, { fixture }) => {
    expect((await fixture.ask({ url: `/steps?limit=${limit}` })).statusCode).toBe(200);
  });

  test.for(['99999999999999999999999s', '-1s', '1e3s', '%00', '61s'])(
    'that waits for %s is a 400',
    async (wait, { fixture }) => {
      expect((await fixture.ask({ url: `/steps/s?wait=${wait}` })).statusCode).toBe(400);
    },
  );
});
