import { connect } from 'node:net';
import { describe, expect } from 'vitest';
import { notesTest } from './fixtures.ts';
import { DEPOSIT, OAUTH_SERVER, token, VERSION } from './http-fixture.ts';

const test = notesTest
  .extend(
    'post',
    ({ fixture }) =>
      (payload: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
        fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', headers, payload }),
  )
  .extend('expectNothingStored', ({ fixture }) => async (): Promise<void> => {
    const { rows } = await fixture.pool.query('SELECT count(*)::int AS count FROM mcp_credential');
    expect(rows).toEqual([{ count: 0 }]);
  })
  .extend('exchange', ({ port }) => (bytes: string): Promise<string> => {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (data) => {
        answer += data;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  });

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a body', () => {
  test.for([
    ['is not JSON', '{"mcpServerId": "notes", '],
    ['is JSON of another kind', '"notes"'],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['is empty', ''],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ] as const)(
    'that %s is a 400, and nothing is stored',
    async ([_what, body], { expectNothingStored, post }) => {
      const answer = await post(body);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      await expectNothingStored();
    },
  );

  test('that is no JSON is not repeated in the answer or the log', async ({ fixture, post }) => {
    const answer = await post('{"refreshToken": rt-6c1e}');
    expect(answer.statusCode).toBe(400);
    expect(answer.body + fixture.logged()).not.toContain('rt-6c1e');
  });

  test('over 1 MiB is a 413, also when its length is not announced', async ({
    expectNothingStored,
    port,
    post,
  }) => {
    const tooLarge = JSON.stringify({ ...DEPOSIT, scopes: 'x'.repeat(1024 * 1024) });
    const answer = await post(tooLarge);
    expect(answer.statusCode).toBe(413);
    expect(answer.json().code).toBe('body-too-large');
    const chunked = await fetch(`http://127.0.0.1:${port}/mcp-oauth-credentials`, {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${await token({ sub: 'alice' })}` },
      body: new Blob([tooLarge]).stream(),
      // Node requires it for a stream; the types of the browser's fetch lack it.
      ...{ duplex: 'half' },
    });
    expect(chunked.status).toBe(413);
    expect(chunked.headers.get('x-latchkey-version')).toBe(VERSION);
    await expectNothingStored();
  });

  test.for([
    'text/plain',
    'application/x-www-form-urlencoded',
    'text/json',
    'multipart/form-data',
    'nonsense',
  ])('as %s is a 415, and nothing is stored', async (type, { expectNothingStored, post }) => {
    const answer = await post(JSON.stringify(DEPOSIT), { 'content-type': type });
    expect(answer.statusCode).toBe(415);
    expect(answer.json().code).toBe('unsupported-media-type');
    await expectNothingStored();
  });

  test.for(['utf-16', '"UTF-16LE"', 'iso-8859-1', ''])(
    'in the charset %s is a 415',
    async (charset, { expectNothingStored, post }) => {
      const answer = await post(JSON.stringify(DEPOSIT), {
        'content-type': `application/json; charset=${charset}`,
      });
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported-media-type']);
      await expectNothingStored();
    },
  );

  test.for([
    ['a byte of Latin-1', [0xfc]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['half a character', [0xe2, 0x82]],
  ] as const)(
    'with %s, which is not UTF-8, is a 400, large or small',
    async ([_what, bytes], { expectNothingStored, fixture }) => {
      for (const scopes of ['a', 'a'.repeat(20_000)]) {
        const text = JSON.stringify({ ...DEPOSIT, clientId: '!', scopes });
        const [before = '', after = ''] = text.split('!');
        const answer = await fixture.ask({
          method: 'POST',
          url: '/mcp-oauth-credentials',
          headers: JSON_TYPE,
          payload: Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
        });
        expect([answer.statusCode, answer.json().code, answer.json().detail]).toEqual([
          400,
          'invalid-request',
          'The body is not valid UTF-8.',
        ]);
      }
      await expectNothingStored();
    },
  );

  test.for(['UTF-8', '"utf-8"', 'utf8'])('may name its charset as %s', async (charset, { fixture, post }) => {
    const type = `application/json;charset=${charset}`;
    expect((await post(JSON.stringify(DEPOSIT), { 'content-type': type })).statusCode).toBe(200);
    await fixture.pool.query('DELETE FROM mcp_credential');
  });

  test('with thousands of unknown fields gets a short answer', async ({ post }) => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${'f'.repeat(150)}${i}`, 1]));
    const answer = await post(JSON.stringify(fields));
    expect(answer.statusCode).toBe(400);
    expect(answer.body.length).toBeLessThan(50_000);
  });
});

describe('an address', () => {
  test('that is not there is a 404 problem, with a token or without', async ({ fixture }) => {
    for (const user of ['alice', null]) {
      for (const url of ['/nope', '/steps/a/b', '//steps', '/STEPS', '/health/']) {
        const answer = await fixture.ask({ url, user });
        expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'not-found']);
      }
    }
  });

  test('that is not there is a 404 whatever is sent to it', async ({ fixture }) => {
    for (const headers of [{ 'content-type': 'text/xml' }, JSON_TYPE]) {
      const answer = await fixture.ask({ method: 'POST', url: '/nope', headers, payload: '<not json>' });
      expect(answer.statusCode).toBe(404);
    }
  });

  test.for([
    ['PATCH', '/steps', 'GET, HEAD, POST'],
    ['DELETE', '/steps', 'GET, HEAD, POST'],
    ['PUT', '/steps/s1', 'GET, DELETE, HEAD'],
    ['GET', '/connect-sessions', 'POST'],
    ['POST', '/mcp-servers/notes', 'GET, DELETE, HEAD, PUT'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/steps', 'GET, HEAD, POST'],
  ] as const)('says which methods it takes: %s %s', async ([method, url, allowed], { fixture }) => {
    const answer = await fixture.ask({ method, url, headers: JSON_TYPE, payload: '{"nonsense":' });
    expect(answer.statusCode).toBe(405);
    expect(answer.json().code).toBe('method-not-allowed');
    expect(String(answer.headers.allow).split(', ').sort()).toEqual(allowed.split(', ').sort());
  });

  test('that is broken is a 400', async ({ fixture }) => {
    for (const url of ['/steps/%', '/steps/%zz', '/steps/%c0%af']) {
      const answer = await fixture.ask({ url });
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 400, 'invalid-request']);
    }
  });
});

describe('every answer', () => {
  test('forbids framing, sniffing, caching and other origins', async ({ fixture }) => {
    const { headers } = await fixture.ask({ url: '/steps', headers: { origin: 'https://evil.example' } });
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test('to an error names the request as the log does', async ({ fixture }) => {
    const { instance } = (await fixture.ask({ url: '/nope' })).json();
    expect(fixture.logged()).toContain(instance.replace('urn:uuid:', ''));
  });

  test('is logged as one line without the address, headers or bodies', async ({ fixture }) => {
    await fixture.ask({ url: '/steps/logged-step?wait=1ms', headers: { 'x-odd': 'odd-header-value' } });
    const line = fixture
      .logged()
      .split('\n')
      .findLast((text) => text.includes('"answered"'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      method: 'GET',
      route: '/steps/:stepId',
      status: 404,
      userId: 'alice',
    });
    expect(fixture.logged()).not.toMatch(/logged-step|odd-header-value|wait=1ms/);
  });
});

describe('a malformed HTTP request', () => {
  test.for([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['an unknown method', 'FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['headers that are too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /steps HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['an expectation', 'POST /steps HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n', 417],
    ['an unknown method of HTTP', 'PROPFIND /steps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
  ] as const)('is a problem too: %s', async ([_what, bytes, status], { exchange }) => {
    const answer = await exchange(bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).toContain(`x-latchkey-version: ${VERSION}`);
    expect(head.toLowerCase()).toContain('content-type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status, code: expect.any(String) });
  });
});

test('refuses a body that carries an unknown field at any depth of a registration', async ({ fixture }) => {
  const answer = await fixture.askAsAdmin({
    method: 'PUT',
    url: '/mcp-servers/strict',
    payload: { ...OAUTH_SERVER, auth: { type: 'oauth2', extra: { deep: true } } },
  });
  expect(answer.json().errors).toEqual([{ path: 'auth.extra', message: 'is not a known field' }]);
});
