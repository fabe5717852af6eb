import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { describe, expect } from 'vitest';
import { openServerSecrets } from '../../src/servers/server-secrets.ts';
import { AMBIGUOUS } from './ambiguous-urls.ts';
import { httpTest } from './fixtures.ts';
import { OAUTH_SERVER, registerServer } from './http-fixture.ts';

const test = httpTest
  .extend(
    'put',
    ({ fixture }) =>
      (id: string, payload: unknown) =>
        fixture.askAsAdmin({
          method: 'PUT',
          url: `/mcp-servers/${encodeURIComponent(id)}`,
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(payload),
        }),
  )
  .extend(
    'get',
    ({ fixture }) =>
      (id: string) =>
        fixture.askAsAdmin({ url: `/mcp-servers/${encodeURIComponent(id)}` }),
  )
  .extend(
    'list',
    ({ fixture }) =>
      async () =>
        (await fixture.askAsAdmin({ url: '/mcp-servers' })).json().servers,
  );

test.beforeEach(({ fixture }) => fixture.pool.query('DELETE FROM mcp_server'));

function privateKey(): JsonWebKey {
  return jwkOf('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

function rsaKey(modulusLength: number): JsonWebKey {
  return jwkOf('RS256', generateKeyPairSync('rsa', { modulusLength }).privateKey);
}

/** A JWK as programs export it: without `alg`. */
function plain({ privateKey: key }: { privateKey: KeyObject }): JsonWebKey {
  return key.export({ format: 'jwk' });
}

const ecKey = (namedCurve: string) => plain(generateKeyPairSync('ec', { namedCurve }));

function jwkOf(alg: string, key: KeyObject): JsonWebKey {
  return { ...key.export({ format: 'jwk' }), alg, kid: 'key-1' };
}

const oauthWith = (more: object) => ({ ...OAUTH_SERVER, auth: { ...OAUTH_SERVER.auth, ...more } });

describe('registering a server', () => {
  test('answers 201 the first time and 200 when it replaces the registration whole', async ({ get, put }) => {
    const first = await put('notes', { ...OAUTH_SERVER, title: 'Notes' });
    expect(first.statusCode).toBe(201);
    expect(first.json()).toEqual({
      id: 'notes',
      url: 'https://mcp.example/mcp',
      auth: { type: 'oauth2' },
      title: 'Notes',
      headerNames: [],
      trustAnnotations: false,
      maxResultBytes: 10_485_760,
      paused: false,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const second = await put('notes', { url: 'https://mcp.example/mcp', auth: { type: 'none' } });
    expect(second.statusCode).toBe(200);
    expect(second.json()).not.toHaveProperty('title');
    expect((await get('notes')).json()).toEqual(second.json());
  });

  test.for(['1 hour', '30 days', '365d'])(
    'with an idle limit of %s shows it as it was given',
    async (idleLimit, { get, list, put }) => {
      const first = await put('notes', oauthWith({ idleLimit }));
      expect(first.json().auth).toEqual({ type: 'oauth2', idleLimit });
      expect((await get('notes')).json().auth).toEqual({ type: 'oauth2', idleLimit });
      expect((await list())[0].auth).toEqual({ type: 'oauth2', idleLimit });
      expect((await put('notes', OAUTH_SERVER)).json().auth).toEqual({ type: 'oauth2' });
    },
  );

  test('shows no secret in any answer, and logs none', async ({ fixture, get, put }) => {
    const secrets = ['static-token-1', 'client-secret-1', 'header-value-1'];
    const answers = [
      await put('bearer', { url: 'https://a.example/', auth: { type: 'bearer', token: secrets[0] } }),
      await put('oauth', {
        url: 'https://b.example/',
        auth: {
          type: 'oauth2',
          clientId: 'id',
          clientSecret: secrets[1],
          scopes: 'a b',
          authorizationServer: 'https://as.example',
        },
        headers: { 'X-Api-Key': secrets[2] },
      }),
      await get('bearer'),
      await get('oauth'),
      await fixture.askAsAdmin({ url: '/mcp-servers' }),
    ];
    for (const { statusCode, body } of answers) {
      expect(statusCode).toBeLessThan(300);
      for (const secret of secrets) expect(body).not.toContain(secret);
    }
    expect((await get('oauth')).json()).toMatchObject({
      auth: { type: 'oauth2', clientId: 'id', scopes: 'a b', authorizationServer: 'https://as.example' },
      headerNames: ['X-Api-Key'],
    });
    for (const secret of secrets) expect(fixture.logged()).not.toContain(secret);
  });

  test.for<[string, unknown, string]>([
    ['an unknown field', { ...OAUTH_SERVER, colour: 'red' }, 'colour'],
    ['an unknown field of auth', { ...OAUTH_SERVER, auth: { type: 'none', token: 'x' } }, 'auth.token'],
    ['no url', { auth: { type: 'none' } }, 'url'],
    ['a url that is none', { url: 'nowhere', auth: { type: 'none' } }, 'url'],
    ['a url of another scheme', { url: 'ftp://a.example/', auth: { type: 'none' } }, 'url'],
    ['no auth', { url: 'https://a.example/' }, 'auth'],
    ['an unknown kind of auth', { url: 'https://a.example/', auth: { type: 'basic' } }, 'auth.type'],
    ['a bearer without a token', { url: 'https://a.example/', auth: { type: 'bearer' } }, 'auth.token'],
    [
      'a client secret without a client',
      { url: 'https://a.example/', auth: { type: 'oauth2', clientSecret: 's' } },
      'auth.clientId',
    ],
    [
      'the Authorization header',
      { ...OAUTH_SERVER, headers: { authorization: 'x' } },
      'headers.authorization',
    ],
    ['a header that is none', { ...OAUTH_SERVER, headers: { 'a b': 'x' } }, 'headers.a b'],
    ['a line break in a header', { ...OAUTH_SERVER, headers: { a: 'x\r\ny' } }, 'headers.a'],
    ['a text in place of a flag', { ...OAUTH_SERVER, trustAnnotations: 'yes' }, 'trustAnnotations'],
    ['an idle limit that is no duration', oauthWith({ idleLimit: 'a month' }), 'auth.idleLimit'],
    ['an idle limit that is too short', oauthWith({ idleLimit: '59m' }), 'auth.idleLimit'],
    ['an idle limit that is too long', oauthWith({ idleLimit: '366 days' }), 'auth.idleLimit'],
    [
      'an idle limit where nothing is to be refreshed',
      { ...OAUTH_SERVER, auth: { type: 'none', idleLimit: '1h' } },
      'auth.idleLimit',
    ],
    ['a private key without a client', oauthWith({ privateKey: privateKey() }), 'auth.clientId'],
    [
      'an unknown algorithm',
      oauthWith({ clientId: 'c', privateKey: { ...privateKey(), alg: 'HS256' } }),
      'auth.privateKey.alg',
    ],
    [
      'a key without an algorithm on a curve that has none',
      oauthWith({ clientId: 'c', privateKey: ecKey('secp256k1') }),
      'auth.privateKey',
    ],
    [
      'a private key for another algorithm',
      oauthWith({ clientId: 'c', privateKey: { ...privateKey(), alg: 'RS256' } }),
      'auth.privateKey',
    ],
    [
      'a symmetric key',
      oauthWith({ clientId: 'c', privateKey: { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' } }),
      'auth.privateKey.kty',
    ],
    [
      'the public half of a key',
      oauthWith({ clientId: 'c', privateKey: { ...privateKey(), d: undefined } }),
      'auth.privateKey.d',
    ],
    [
      'a key that is none',
      oauthWith({ clientId: 'c', privateKey: { ...privateKey(), x: 'AAAA' } }),
      'auth.privateKey',
    ],
    ['a weak key', oauthWith({ clientId: 'c', privateKey: rsaKey(1024) }), 'auth.privateKey'],
    [
      'private_key_jwt without a key',
      oauthWith({ clientId: 'c', tokenEndpointAuthMethod: 'private_key_jwt' }),
      'auth.privateKey',
    ],
    [
      'a private key and another method',
      oauthWith({ clientId: 'c', privateKey: privateKey(), tokenEndpointAuthMethod: 'none' }),
      'auth.tokenEndpointAuthMethod',
    ],
    ...['authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint'].flatMap((field) =>
      ['nowhere', 'ftp://as.example/', 'https://u:p@as.example/', 'https://169.254.169.254/'].map(
        (url): [string, object, string] => [
          `the ${field} ${url}`,
          oauthWith({ [field]: url }),
          `auth.${field}`,
        ],
      ),
    ),
    ...['state', 'redirect_uri', 'Client_Id', 'scope', 'resource', 'request_uri', 'a b', '__proto__x'].map(
      (name): [string, object, string] => [
        `the authorization parameter ${name}`,
        oauthWith({ authorizationParams: { [name]: 'x' } }),
        `auth.authorizationParams.${name}`,
      ],
    ),
    [
      'an authorization parameter that is no text',
      oauthWith({ authorizationParams: { a: 1 } }),
      'auth.authorizationParams.a',
    ],
    ['a resource that is no URI', oauthWith({ resource: 'Omit' }), 'auth.resource'],
    ['a resource with a fragment', oauthWith({ resource: 'https://mcp.example/#a' }), 'auth.resource'],
    ['an unknown method', oauthWith({ tokenEndpointAuthMethod: 'magic' }), 'auth.tokenEndpointAuthMethod'],
    [
      'a method without its secret',
      oauthWith({ clientId: 'c', tokenEndpointAuthMethod: 'client_secret_post' }),
      'auth.clientSecret',
    ],
    ['a limit that is too high', { ...OAUTH_SERVER, maxResultBytes: 1e12 }, 'maxResultBytes'],
    ['no call at all', { ...OAUTH_SERVER, maxConcurrentCalls: 0 }, 'maxConcurrentCalls'],
    ...AMBIGUOUS.map(
      (url) =>
        [`the url ${JSON.stringify(url)}`, { url, auth: { type: 'none' } }, 'url'] as [
          string,
          object,
          string,
        ],
    ),
    ...AMBIGUOUS.map(
      (url) =>
        [
          `the authorization server ${JSON.stringify(url)}`,
          oauthWith({ authorizationServer: url }),
          'auth.authorizationServer',
        ] as [string, object, string],
    ),
    ...['https://as.example/?key=k', 'https://as.example/tenant?', 'https://as.example?a'].map(
      (url): [string, object, string] => [
        `an authorization server with a query: ${url}`,
        oauthWith({ authorizationServer: url }),
        'auth.authorizationServer',
      ],
    ),
    ['a credential endpoint of a cloud', { url: 'https://[fd00:ec2::23]/', auth: { type: 'none' } }, 'url'],
    ['a list in place of the body', [OAUTH_SERVER], ''],
    ['null in place of the body', null, ''],
  ])('is refused with %s, and nothing is stored', async ([_what, body, path], { list, put }) => {
    const answer = await put('notes', body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().code).toBe('invalid-request');
    expect(answer.json().errors.map((error: { path: string }) => error.path)).toContain(path);
    expect(await list()).toEqual([]);
  });

  test('shows the names of the parameters in the query of the url, and none of their values', async ({
    fixture,
    get,
    put,
  }) => {
    const url = 'https://mcp.example/mcp?api_key=secret-of-the-query&nameless-secret';
    const answers = [await put('notes', { url, auth: { type: 'none' } }), await get('notes')];
    for (const answer of [...answers, await fixture.askAsAdmin({ url: '/mcp-servers' })]) {
      expect(answer.body).not.toMatch(/secret-of-the-query|nameless-secret/);
    }
    for (const answer of answers) {
      expect(answer.json()).toMatchObject({ url: 'https://mcp.example/mcp', queryNames: ['api_key'] });
    }
  });

  test('names every field that is wrong at once and repeats no value', async ({ put }) => {
    const answer = await put('notes', {
      url: 'not-a-url-but-a-secret',
      auth: { type: 'bearer', token: 'has spaces and-a-secret' },
      title: 7,
      one: 'and-a-secret',
      two: 1,
    });
    const paths = answer.json().errors.map((error: { path: string }) => error.path);
    expect(paths.sort()).toEqual(['auth.token', 'one', 'title', 'two', 'url']);
    expect(answer.body).not.toContain('secret');
  });

  test('shows what an admin says of the authorization server, and never the private key', async ({
    fixture,
    get,
    put,
  }) => {
    const auth = {
      type: 'oauth2',
      clientId: 'c',
      tokenEndpointAuthMethod: 'private_key_jwt',
      authorizationEndpoint: 'https://as.example/authorize?tenant=a',
      tokenEndpoint: 'https://as.example/token',
      revocationEndpoint: 'https://as.example/revoke',
      authorizationParams: { access_type: 'offline' },
      resource: 'omit',
    };
    const key = privateKey();
    expect((await put('notes', oauthWith({ ...auth, privateKey: key }))).json().auth).toEqual(auth);
    const answer = await get('notes');
    expect(answer.json().auth).toEqual(auth);
    expect(answer.body + fixture.logged()).not.toContain(key.d);
  });

  test.for([
    ['ES256', ecKey('P-256')],
    ['ES384', ecKey('P-384')],
    ['ES512', ecKey('P-521')],
    ['EdDSA', plain(generateKeyPairSync('ed25519'))],
    ['RS256', plain(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
  ] as const)(
    'takes a private key without alg as one for %s, and drops members that it does not know',
    async ([alg, key], { fixture, put }) => {
      const privateKey = { ...key, 'x-vendor': 'v' };
      expect((await put('notes', oauthWith({ clientId: 'c', privateKey }))).statusCode).toBeLessThan(300);
      const { rows } = await fixture.pool.query("SELECT * FROM mcp_server WHERE id = 'notes'");
      const opened = await openServerSecrets(fixture.vault, 'notes', rows[0].secret_jwe);
      expect(opened).toMatchObject({ kind: 'opened', secrets: { privateKey: { ...key, alg } } });
      expect(JSON.stringify(opened)).not.toContain('x-vendor');
    },
  );

  test('says of a resource that is no URI what it may be', async ({ put }) => {
    const answer = await put('notes', oauthWith({ resource: 'not a uri' }));
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ path: 'auth.resource', message: 'must be a URI, or "omit"' }]);
  });

  test('takes a private key for private_key_jwt, without saying so', async ({ put }) => {
    const { auth } = (await put('notes', oauthWith({ clientId: 'c', privateKey: privateKey() }))).json();
    expect(auth).toEqual({ type: 'oauth2', clientId: 'c', tokenEndpointAuthMethod: 'private_key_jwt' });
  });

  test.for(['client_secret_basic', 'client_secret_post', 'none'])(
    'shows %s as it was given',
    async (method, { get, put }) => {
      const client = { clientId: 'c', clientSecret: 's', tokenEndpointAuthMethod: method };
      const expected = { type: 'oauth2', clientId: 'c', tokenEndpointAuthMethod: method };
      expect((await put('notes', oauthWith(client))).json().auth).toEqual(expected);
      expect((await get('notes')).json().auth).toEqual(expected);
      expect((await put('notes', OAUTH_SERVER)).json().auth).toEqual({ type: 'oauth2' });
    },
  );

  test.for([
    ['http', 'http://a.example/', 'url'],
    ['an address of this machine', 'https://127.0.0.1/', 'url'],
    ['a link-local address', 'https://169.254.169.254/', 'url'],
    ['user and password', 'https://u:p@a.example/', 'url'],
  ] as const)('is refused where the network policy forbids %s', async ([_what, url, path], { list, put }) => {
    const answer = await put('notes', { url, auth: { type: 'none' } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ path, message: expect.any(String) }]);
    expect(await list()).toEqual([]);
  });

  test('judges the address of the authorization server too, and takes private ones from an admin', async ({
    put,
  }) => {
    const auth = { type: 'oauth2', authorizationServer: 'https://127.0.0.1/' };
    const answer = await put('notes', { url: 'https://10.0.0.1/mcp', auth });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ path: 'auth.authorizationServer', message: expect.any(String) }]);
    expect((await put('notes', { url: 'https://10.0.0.1/mcp', auth: { type: 'none' } })).statusCode).toBe(
      201,
    );
  });

  test('is a 400 with text that Postgres cannot store', async ({ list, put }) => {
    expect((await put('notes', { ...OAUTH_SERVER, title: 'a\u0000b' })).statusCode).toBe(400);
    expect(await list()).toEqual([]);
  });
});

describe("a server's id", () => {
  test.for(['a', 'a/b', 'a%b', 'a b', 'ü', '🔑'.repeat(255), '?#', "it's"])(
    'reaches the API unchanged in a URL: %j',
    async (id, { fixture, get, list }) => {
      await registerServer(fixture, id);
      expect((await get(id)).json().id).toBe(id);
      expect((await list()).map((server: { id: string }) => server.id)).toEqual([id]);
      expect(
        (await fixture.askAsAdmin({ method: 'DELETE', url: `/mcp-servers/${encodeURIComponent(id)}` }))
          .statusCode,
      ).toBe(204);
    },
  );

  test.for(['x'.repeat(256), 'a\u0000b', 'a\u007fb', '🔑'.repeat(256), 'x'.repeat(5000)])(
    'is refused: %#',
    async (id, { list, put }) => {
      const answer = await put(id, OAUTH_SERVER);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      expect(answer.json().errors[0].path).toBe('id');
      expect(await list()).toEqual([]);
    },
  );

  test.for(['%zz', '%ff', '%ed%a0%80'])(
    'is refused when its encoding is broken: %s',
    async (id, { fixture }) => {
      const answer = await fixture.askAsAdmin({
        method: 'PUT',
        url: `/mcp-servers/${id}`,
        payload: OAUTH_SERVER,
      });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
    },
  );
});

describe('a server that is not registered', () => {
  test('is not found', async ({ fixture, get }) => {
    const answer = await get('nobody');
    expect(answer.statusCode).toBe(404);
    expect(answer.json().code).toBe('unknown-server');
    expect((await fixture.askAsAdmin({ method: 'DELETE', url: '/mcp-servers/nobody' })).statusCode).toBe(404);
  });

  test('is not found once it was removed', async ({ fixture, get }) => {
    await registerServer(fixture, 'notes');
    const removed = await fixture.askAsAdmin({ method: 'DELETE', url: '/mcp-servers/notes' });
    expect([removed.statusCode, removed.body]).toEqual([204, '']);
    expect((await get('notes')).statusCode).toBe(404);
  });
});
