import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { httpTest } from './fixtures.ts';
import { createHttpFixture, expectProblem, type HttpFixture, SECRET, token } from './http-fixture.ts';

const test = httpTest
  .extend('askWith', ({ fixture }) => async (authorization: string | undefined, url = '/steps') => {
    const answer = await fixture.app.inject({
      url,
      headers: authorization === undefined ? {} : { authorization },
    });
    if (answer.statusCode >= 400) expectProblem(answer);
    return answer;
  })
  .extend('expectRefused', ({ askWith, fixture }) => async (bearer: string): Promise<void> => {
    const answer = await askWith(`Bearer ${bearer}`);
    expect(answer.statusCode).toBe(401);
    expect(answer.json().code).toBe('unauthenticated');
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    if (bearer.length > 8) expect(answer.body).not.toContain(bearer.slice(0, 8));
    expect(fixture.logged()).not.toContain(bearer === '' ? '\0' : bearer);
  })
  .extend(
    'statusWith',
    ({ askWith }) =>
      async (scope: unknown) =>
        (await askWith(`Bearer ${await token({ sub: 'root', scope })}`, '/mcp-servers')).statusCode,
  );

const now = () => Math.floor(Date.now() / 1000);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs a token with HS256, even if its header names another algorithm. */
function forge(header: object, claims: object, secret: Uint8Array | string = SECRET): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

describe('a request without a bearer token', () => {
  test.for([undefined, '', 'Basic YWxpY2U6cHc=', 'Token abc', 'Bearerabc'])(
    'is answered by a challenge without an error code: %j',
    async (authorization, { askWith }) => {
      const answer = await askWith(authorization);
      expect(answer.statusCode).toBe(401);
      expect(answer.json().code).toBe('unauthenticated');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    },
  );

  test.for([
    ['GET', '/mcp-servers'],
    ['PUT', '/mcp-servers/notes'],
    ['GET', '/mcp-servers/notes'],
    ['DELETE', '/mcp-servers/notes'],
    ['POST', '/mcp-servers/notes/pause'],
    ['POST', '/mcp-servers/notes/resume'],
    ['POST', '/mcp-oauth-credentials'],
    ['GET', '/mcp-oauth-credentials'],
    ['DELETE', '/mcp-oauth-credentials/notes'],
    ['GET', '/list-mcp-tools'],
    ['GET', '/mcp-tools'],
    ['POST', '/steps'],
    ['GET', '/steps'],
    ['GET', '/steps/s1'],
    ['DELETE', '/steps/s1'],
    ['POST', '/steps/s1/approve'],
    ['POST', '/steps/s1/reject'],
    ['POST', '/steps/s1/resolve'],
    ['POST', '/connect-sessions'],
    ['POST', '/sign-in-links'],
    ['GET', '/events'],
    ['GET', '/admin/steps'],
    ['GET', '/admin/connections'],
    ['GET', '/admin/audit'],
  ] as const)('is refused before anything is read: %s %s', async ([method, url], { fixture }) => {
    const answer = await fixture.ask({
      method,
      url,
      user: null,
      payload: '{"nonsense":',
      headers: JSON_TYPE,
    });
    expect(answer.statusCode).toBe(401);
  });
});

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a token', () => {
  test('lets its user in, whatever the case of the scheme', async ({ askWith }) => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await askWith(`${scheme} ${await token({ sub: 'alice' })}`)).statusCode).toBe(200);
    }
  });

  test('is refused when it expired more than 5 seconds ago, and not for a clock that is 3 seconds off', async ({
    askWith,
    expectRefused,
  }) => {
    await expectRefused(await token({ sub: 'alice', exp: now() - 7 }));
    expect((await askWith(`Bearer ${await token({ sub: 'alice', exp: now() - 3 })}`)).statusCode).toBe(200);
  });

  test('is refused without exp, and with an exp that is no number', async ({ expectRefused }) => {
    await expectRefused(forge({ alg: 'HS256' }, { sub: 'alice' }));
    await expectRefused(forge({ alg: 'HS256' }, { sub: 'alice', exp: '9999999999' }));
    await expectRefused(forge({ alg: 'HS256' }, { sub: 'alice', exp: null }));
  });

  test('is refused before its nbf', async ({ expectRefused }) => {
    await expectRefused(await token({ sub: 'alice', nbf: now() + 60 }));
  });

  test('is refused when it is unsigned', async ({ expectRefused }) => {
    const claims = { sub: 'alice', exp: now() + 60 };
    await expectRefused(`${part({ alg: 'none' })}.${part(claims)}.`);
    await expectRefused(forge({ alg: 'none' }, claims));
  });

  test('is refused when another secret signed it', async ({ expectRefused }) => {
    await expectRefused(await token({ sub: 'alice' }, new TextEncoder().encode('x'.repeat(32))));
    await expectRefused(forge({ alg: 'HS256' }, { sub: 'alice', exp: now() + 60 }, ''));
  });

  test('is refused under any algorithm but HS256', async ({ expectRefused }) => {
    const claims = { sub: 'alice', exp: now() + 60 };
    const bySecret = new SignJWT(claims).setProtectedHeader({ alg: 'HS512' }).sign(new Uint8Array(64));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const byRsa = new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    await expectRefused(await bySecret);
    await expectRefused(await byRsa);
    await expectRefused(forge({ alg: 'HS512' }, claims));
  });

  test('is refused when its claims were changed', async ({ expectRefused }) => {
    const [header, , signature] = (await token({ sub: 'alice' })).split('.');
    await expectRefused(`${header}.${part({ sub: 'bob', exp: now() + 60 })}.${signature}`);
  });

  test('is refused with a critical header that is not understood', async ({ expectRefused }) => {
    await expectRefused(forge({ alg: 'HS256', crit: ['x'], x: 1 }, { sub: 'alice', exp: now() + 60 }));
  });

  test.for(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d.e', '{}', 'ü', 'a b', '...'])(
    'is refused when it is malformed: %j',
    (garbage, { expectRefused }) => expectRefused(garbage),
  );

  test('does not say why in words that repeat it', async ({ askWith }) => {
    const answer = await askWith(`Bearer ${await token({ sub: 'mallory-was-here', exp: now() - 60 })}`);
    expect(answer.json().detail).toBe('The token has expired.');
    expect(answer.body).not.toContain('mallory');
  });
});

describe('the user', () => {
  const OTHER_CLAIM = 'https://app.example/user';
  const seen: string[] = [];
  const listConnections = async (userId: string) => {
    seen.push(userId);
    return [];
  };
  let own: HttpFixture;
  beforeAll(async () => {
    own = await createHttpFixture({ deps: { listConnections } });
  });
  afterAll(() => own.close());

  /** Returns the user that a claim gives, or the status of the refusal. */
  async function userOf(claim: unknown, { app } = own): Promise<string | number | undefined> {
    const bearer = forge({ alg: 'HS256' }, { [OTHER_CLAIM]: claim, sub: claim, exp: now() + 60 });
    const answer = await app.inject({
      url: '/mcp-oauth-credentials',
      headers: { authorization: `Bearer ${bearer}` },
    });
    return answer.statusCode === 200 ? seen.pop() : answer.statusCode;
  }

  test.each([
    ['alice', 'alice'],
    [' ', ' '],
    ['auth0|a/b c%d', 'auth0|a/b c%d'],
    ['ü🔑', 'ü🔑'],
    ['🔑'.repeat(255), '🔑'.repeat(255)],
    [42, '42'],
    [0, '0'],
    [-7, '-7'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('is the claim %j', async (claim, userId) => {
    expect(await userOf(claim)).toBe(userId);
  });

  test.each([
    [''],
    ['x'.repeat(256)],
    ['a\u0000b'],
    ['a\nb'],
    ['a\u0085b'],
    ['\ud800'],
    [1.5],
    [Number.MAX_SAFE_INTEGER + 1],
    [true],
    [null],
    [undefined],
    [['alice']],
    [{ id: 'alice' }],
  ])('is not the claim %j', async (claim) => {
    expect(await userOf(claim)).toBe(401);
  });

  test.each([
    [OTHER_CLAIM, 'alice'],
    ['email', 401],
    ['toString', 401],
  ])('is read from the claim that is configured, and from no other: %s', async (userClaim, expected) => {
    const other = await createHttpFixture({
      deps: { listConnections },
      http: { jwt: { kind: 'secret', secret: SECRET, userClaim } },
    });
    expect(await userOf('alice', other)).toBe(expected);
    await other.close();
  });
});

describe('the admin scope', () => {
  test('is one of the scopes of the scope claim', async ({ statusWith }) => {
    expect(await statusWith('latchkey:admin')).toBe(200);
    expect(await statusWith('openid latchkey:admin email')).toBe(200);
  });

  test.for([undefined, '', 'openid', 'latchkey:admins', 'xlatchkey:admin', 'LATCHKEY:ADMIN', 'latchkey:', 7])(
    'is not granted by %j',
    async (scope, { statusWith }) => {
      expect(await statusWith(scope)).toBe(403);
    },
  );

  test('is not granted by a list in place of the text', async ({ statusWith }) => {
    expect(await statusWith(['latchkey:admin'])).toBe(403);
  });

  test.for([
    ['GET', '/mcp-servers'],
    ['PUT', '/mcp-servers/notes'],
    ['GET', '/mcp-servers/notes'],
    ['DELETE', '/mcp-servers/notes'],
    ['POST', '/mcp-servers/notes/pause'],
    ['POST', '/mcp-servers/notes/resume'],
  ] as const)('is needed for %s %s', async ([method, url], { fixture }) => {
    const answer = await fixture.ask({ method, url, payload: '{"nonsense":', headers: JSON_TYPE });
    expect(answer.statusCode).toBe(403);
    expect(answer.json().code).toBe('forbidden');
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="latchkey:admin"',
    );
  });
});
