import { createHash } from 'node:crypto';
import { UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished } from 'vitest';
import { issuerKey } from '../../src/connect/clients/redirect-uri.ts';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import { csrfIn, hiddenFields } from '../http/browser-client.ts';
import { closedAfter } from '../support/closed-after.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { answerTo, CONNECT_URL, type ConnectFixture, headingOf, type Link } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { json, startScriptedAuthorizationServer, tokens } from './scripted-authorization-server.ts';

const test = connectTest
  .extend('link', ({ fixture, mcpServerId }) => fixture.link(mcpServerId))
  .extend('browser', ({ fixture }) => fixture.browser())
  .extend('away', ({ fixture, browser, link }) => fixture.press(browser, link.url))
  /** An authorization server whose answers have no `iss`. */
  .extend(
    'withoutIss',
    closedAfter(
      () => startScriptedAuthorizationServer({ authorization_response_iss_parameter_supported: undefined }),
      (server) => server.stop(),
    ),
  );

/** Moves the times of the authorizations of a link back. Returns how many there are. */
async function letPass({ pool }: ConnectFixture, link: Link, time: string): Promise<number | null> {
  const { rowCount } = await pool.query(
    'UPDATE mcp_authorization SET expires_at = expires_at - $2::interval WHERE connect_session_id = $1',
    [link.connectSessionId, time],
  );
  return rowCount;
}

describe('a forged request', () => {
  test('of another site begins nothing: without the token of our form, or with another origin', async ({
    fixture,
    browser,
    link,
    server,
  }) => {
    const page = await browser.open(link.url.slice(CONNECT_URL.length));
    const action = new URL(link.url).pathname;
    const token = new URL(link.url).searchParams.get('link') ?? '';
    const csrf = csrfIn(page.body);
    const forged = [
      await browser.submit(action, { link: token }),
      await browser.submit(action, { link: token, csrf: 'AAAA' }),
      await browser.submit(action, { link: token, csrf }, { origin: 'https://evil.example' }),
      // The attacker's own token, in the victim's browser.
      await fixture.browser().submit(action, { link: token, csrf }),
    ];
    expect(forged.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403, 403]);
    expect(server.seen).toEqual([]);
    for (const refused of forged) {
      expect(headingOf(refused)).toBe('Not connected');
      expect(refused.body).toContain('>Try again</button>');
      expect(hiddenFields(refused.body, action)).toEqual({ link: token });
    }
  });

  test('for another try leads back to the page that the form is on', async ({ fixture, browser, link }) => {
    for (const form of ['retry', 'account']) {
      const path = `/connect-sessions/${link.connectSessionId}`;
      const refused = await browser.submit(`${path}/${form}`, {});
      expect([refused.statusCode, headingOf(refused)]).toEqual([403, 'Not connected']);
      expect(refused.body).toContain(`<form method="get" action="${path}/outcome"><button`);
    }
    expect(await fixture.status(link)).toMatchObject({ status: 'open' });
  });
});

describe('a callback', () => {
  test('counts once', async ({ fixture, browser, server, away }) => {
    const callback = answerTo(away, server);
    expect(headingOf(await fixture.comeBack(browser, callback))).toBe('Connected to The Ledger');
    const replayed = await fixture.comeBack(browser, callback);
    expect(headingOf(replayed)).toBe('Connected to The Ledger');
    expect(server.tokenRequests()).toHaveLength(1);
  });

  // Programs that look at links send HEAD.
  test('is not used up by a HEAD', async ({ fixture, browser, server, withoutIss }) => {
    for (const [issuedBy, changes] of [
      [server, {}],
      [withoutIss, { iss: undefined }],
    ] as const) {
      const mcpServerId = await fixture.register({ authorizationServer: issuedBy.issuer });
      const away = await fixture.press(browser, (await fixture.link(mcpServerId)).url);
      const callback = answerTo(away, issuedBy, changes);
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { host: new URL(CONNECT_URL).host, cookie };
      const head = await fixture.app.inject({ method: 'HEAD', url: callback.href, headers });
      expect([head.statusCode, issuedBy.tokenRequests()]).toEqual([405, []]);
      expect(headingOf(await fixture.comeBack(browser, callback))).toBe('Connected to The Ledger');
    }
  });

  // Somebody sends the victim's browser the address that ends his own flow: his account would be the victim's.
  test('in another browser connects no user, and the right browser can still finish', async ({
    fixture,
    browser,
    server,
    away,
    mcpServerId,
  }) => {
    const callback = answerTo(away, server);
    for (const other of [fixture.browser(), await fixture.signedIn('victim')]) {
      await other.open(`/connect/${mcpServerId}`);
      const page = await fixture.comeBack(other, callback);
      expect([page.statusCode, headingOf(page)]).toEqual([403, 'Not connected by this answer']);
    }
    expect(server.tokenRequests()).toEqual([]);
    expect(await fixture.grant('victim', mcpServerId)).toBeUndefined();
    expect(headingOf(await fixture.comeBack(browser, callback))).toBe('Connected to The Ledger');
  });

  // The other direction: the victim's consent would become the attacker's connection.
  test('in a browser where another user has signed in meanwhile connects no user', async ({
    fixture,
    browser,
    server,
    away,
    link,
    mcpServerId,
  }) => {
    const victim = await fixture.signedIn('victim');
    for (const [name, value] of victim.cookies) browser.cookies.set(name, value);
    const answer = await browser.open(answerTo(away, server).href.slice(CONNECT_URL.length));
    expect(answer.statusCode).toBe(303);
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'other-user' });
    expect(server.tokenRequests()).toEqual([]);
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
    // The page is not shown to the other user.
    expect((await browser.open(String(answer.headers.location))).statusCode).toBe(403);
  });

  test('with a state that was never given out, twice, or missing connects no user', async ({
    fixture,
    browser,
    server,
    away,
  }) => {
    const callback = answerTo(away, server);
    const twice = new URL(callback);
    twice.searchParams.append('state', 'x');
    const without = new URL(callback);
    without.searchParams.delete('state');
    for (const url of [
      answerTo(away, server, { state: 'A'.repeat(43) }),
      answerTo(away, server, { state: '' }),
      twice,
      without,
    ]) {
      const page = await fixture.comeBack(browser, url);
      expect([page.statusCode, headingOf(page)]).toEqual([403, 'Not connected by this answer']);
    }
    expect(server.tokenRequests()).toEqual([]);
  });

  test('after ten minutes is refused with an offer to try again', async ({
    fixture,
    browser,
    server,
    away,
    link,
  }) => {
    expect(await letPass(fixture, link, '10 minutes')).toBe(1);
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(page)).toBe('Not connected to The Ledger');
    expect(page.body).toContain('>Try again</button>');
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'authorization-expired' });
    expect(server.tokenRequests()).toEqual([]);
  });

  test('after nine minutes is in time', async ({ fixture, browser, server, away, link }) => {
    expect(await letPass(fixture, link, '9 minutes')).toBe(1);
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(page)).toBe('Connected to The Ledger');
  });

  test('with the ID token of another request, client or time connects nobody', async ({
    fixture,
    browser,
    server,
    away,
    link,
    mcpServerId,
  }) => {
    const claims = {
      iss: server.issuer,
      sub: 'ada',
      aud: 'another',
      exp: Math.floor(Date.now() / 1000) + 600,
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    server.answer('/token', tokens({ id_token: `${part({ alg: 'none' })}.${part(claims)}.x` }));
    await fixture.comeBack(browser, answerTo(away, server));
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'malformed-answer' });
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
  });

  test('sends the code with the verifier of its own request, so that an injected code is useless', async ({
    fixture,
    browser,
    server,
    away,
  }) => {
    await fixture.comeBack(browser, answerTo(away, server, { code: 'stolen' }));
    const [request] = server.tokenRequests();
    const verifier = request?.get('code_verifier') ?? '';
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
      away.searchParams.get('code_challenge'),
    );
    expect(away.searchParams.get('code_challenge_method')).toBe('S256');
    expect(request?.get('redirect_uri')).toBe(away.searchParams.get('redirect_uri'));
    expect(request?.get('code')).toBe('stolen');
  });

  test('of a server that refuses the code says so', async ({ fixture, browser, server, away, link }) => {
    server.answer('/token', json(400, { error: 'invalid_grant', error_description: 'code-1 is used' }));
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(page)).toBe('Not connected to The Ledger');
    expect(page.body).not.toContain('code-1 is used');
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'code-refused' });
  });

  test.for([
    [json(400, { error: 'invalid_target' }), 'token-request-refused'],
    [json(503, {}), 'token-endpoint-unavailable'],
    [tokens({ access_token: undefined }), 'no-access-token'],
    [json(401, { error: 'invalid_client' }), 'client-refused'],
  ] as const)(
    'ends with a stable code: %#',
    async ([reply, code], { fixture, browser, server, away, link }) => {
      server.answer('/token', reply);
      const page = await fixture.comeBack(browser, answerTo(away, server));
      expect(headingOf(page)).toBe('Not connected to The Ledger');
      expect(page.body).toContain('>Try again</button>');
      expect(await fixture.status(link)).toMatchObject({ status: 'failed', code });
    },
  );

  test.for([
    ['access_denied', 'denied', 'access-denied'],
    ['invalid_scope', 'failed', 'invalid-scope'],
    ['invalid_target', 'failed', 'invalid-target'],
    ['unauthorized_client', 'failed', 'unauthorized-client'],
    ['server_error', 'failed', 'authorization-server-error'],
    ['temporarily_unavailable', 'failed', 'authorization-server-unavailable'],
    ['something_else', 'failed', 'authorization-refused'],
  ] as const)(
    'with the error %s shows what happened, not the text of the server, and offers another try',
    async ([error, status, code], { fixture, browser, server, away, link }) => {
      const texts = { code: undefined, error, error_description: 'Call 555-1234 now' };
      const page = await fixture.comeBack(browser, answerTo(away, server, texts));
      expect(headingOf(page)).toBe('Not connected to The Ledger');
      expect(page.body).not.toContain('555-1234');
      expect(page.body).toContain('>Try again</button>');
      expect(await fixture.status(link)).toMatchObject({ status, code });
    },
  );
});

describe('the issuer of a callback', () => {
  test('must be named where the server announces it', async ({ fixture, browser, server, away, link }) => {
    await fixture.comeBack(browser, answerTo(away, server, { iss: undefined }));
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'issuer-missing' });
    expect(server.tokenRequests()).toEqual([]);
  });

  test('must be the one that was asked, and the errors of another are not believed', async ({
    fixture,
    browser,
    server,
    away,
    link,
  }) => {
    const wrong = { iss: 'https://evil.example', code: undefined, error: 'access_denied' };
    const page = await fixture.comeBack(browser, answerTo(away, server, wrong));
    expect(textOf(page.body)).not.toContain('access');
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'issuer-mismatch' });
    expect(server.tokenRequests()).toEqual([]);
  });

  test('is known by a redirect URI of its own where the server does not name it', async ({
    fixture,
    browser,
    withoutIss,
  }) => {
    const id = await fixture.register({ authorizationServer: withoutIss.issuer });
    const link = await fixture.link(id);
    const away = await fixture.press(browser, link.url);
    const redirectUri = `${CONNECT_URL}/oauth/callback/${issuerKey(withoutIss.issuer)}`;
    expect(away.searchParams.get('redirect_uri')).toBe(redirectUri);
    expect(withoutIss.registrations()).toMatchObject([{ redirect_uris: [redirectUri] }]);
    const end = await fixture.comeBack(browser, answerTo(away, withoutIss, { iss: undefined }));
    expect(headingOf(end)).toBe('Connected to The Ledger');
  });

  test('may be any where only endpoints are registered: the redirect URI is of the token endpoint alone', async ({
    fixture,
    browser,
    withoutIss,
  }) => {
    const tokenEndpoint = `${withoutIss.issuer}/token`;
    const authorizationEndpoint = `${withoutIss.issuer}/authorize`;
    const mcp = await startLoopbackHttpServer();
    onTestFinished(() => mcp.close());
    mcp.http.on('request', (_request, response) => response.writeHead(404).end());
    const endpoints = { authorizationEndpoint, tokenEndpoint, clientId: 'operator', scopes: 'openid' };
    const id = await fixture.register(endpoints, `${mcp.origin}/mcp`);
    const away = await fixture.press(browser, (await fixture.link(id)).url);
    const redirectUri = `${CONNECT_URL}/oauth/callback/${issuerKey(tokenEndpoint)}`;
    expect(away.searchParams.get('redirect_uri')).toBe(redirectUri);
    const iss = 'https://accounts.example';
    const claims = { iss, sub: 'u1', aud: 'operator', exp: Math.floor(Date.now() / 1000) + 60 };
    const nonce = away.searchParams.get('nonce');
    const id_token = new UnsecuredJWT({ ...claims, nonce }).encode();
    withoutIss.answer('/token', tokens({ id_token }));

    const end = await fixture.comeBack(browser, answerTo(away, withoutIss, { iss }));

    expect(headingOf(end)).toBe('Connected to The Ledger');
    expect(await fixture.grant('alice', id)).toMatchObject({ subject: 'u1', grant: { tokenEndpoint } });
    expect((await fixture.grant('alice', id))?.grant.issuer).toBeUndefined();
  });

  // Mix-up: the answer of one server comes to the redirect URI of another.
  test('is wrong at the redirect URI of another server', async ({ fixture, browser, withoutIss }) => {
    const id = await fixture.register({ authorizationServer: withoutIss.issuer });
    for (const path of ['/oauth/callback', `/oauth/callback/${issuerKey('https://evil.example')}`]) {
      const link = await fixture.link(id);
      const away = await fixture.press(browser, link.url);
      const callback = answerTo(away, withoutIss, { iss: undefined });
      callback.pathname = path;
      await fixture.comeBack(browser, callback);
      expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'redirect-mismatch' });
    }
    expect(withoutIss.tokenRequests()).toEqual([]);
  });
});

test('a double click on Connect begins two authorizations, and the first answer counts', async ({
  fixture,
  browser,
  server,
  link,
}) => {
  const first = await fixture.press(browser, link.url);
  const second = await fixture.press(browser, link.url);
  expect(first.searchParams.get('state')).not.toBe(second.searchParams.get('state'));
  expect(server.registrations()).toHaveLength(1);

  const ends = [
    await fixture.comeBack(browser, answerTo(second, server)),
    await fixture.comeBack(browser, answerTo(first, server)),
  ];

  expect(ends.map(headingOf)).toEqual(['Connected to The Ledger', 'Connected to The Ledger']);
  expect(server.tokenRequests()).toHaveLength(1);
});

test('an outcome is shown in the browser that left, and in no other', async ({
  fixture,
  browser,
  server,
  away,
  link,
}) => {
  const url = `/connect-sessions/${link.connectSessionId}/outcome`;
  expect(headingOf(await fixture.comeBack(browser, answerTo(away, server)))).toBe('Connected to The Ledger');
  expect((await browser.open(url)).statusCode).toBe(200);
  expect((await fixture.browser().open(url)).statusCode).toBe(403);
  expect((await (await fixture.signedIn('mallory')).open(url)).statusCode).toBe(403);
  expect((await (await fixture.signedIn('alice')).open(url)).statusCode).toBe(200);
});
