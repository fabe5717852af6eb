import { describe, expect } from 'vitest';
import { csrfIn } from '../http/browser-client.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { answerTo, CONNECT_URL, headingOf } from './connect-fixture.ts';
import { connectTest as test } from './fixtures.ts';

const pathOf = (url: string) => url.slice(CONNECT_URL.length);

describe('a link', () => {
  test('works for 15 minutes and carries a token that is stored as its hash alone', async ({
    fixture,
    mcpServerId,
  }) => {
    const before = Date.now();
    const { url, expiresAt } = (await fixture.link(mcpServerId)) as { url: string; expiresAt?: string };
    const lifetime = Date.parse(expiresAt ?? '') - before;
    expect(Math.round(lifetime / 60_000)).toBe(15);
    const [, token = ''] =
      /^https:\/\/latchkey\.example\/connect\/[^?]+\?link=([A-Za-z0-9_-]{43})$/.exec(url) ?? [];
    expect(token).not.toBe('');
    const { rows } = await fixture.pool.query('SELECT s::text AS text FROM mcp_connect_session s');
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('has no effect by being opened', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    const state = async () =>
      (await fixture.pool.query('SELECT s::text FROM mcp_connect_session s ORDER BY id')).rows;
    const before = await state();

    const page = await fixture.browser().open(pathOf(link.url));

    expect(page.statusCode).toBe(200);
    expect(await state()).toEqual(before);
    const { rows } = await fixture.pool.query('SELECT 1 FROM mcp_authorization WHERE mcp_server_id = $1', [
      mcpServerId,
    ]);
    expect(rows).toEqual([]);
    expect(server.seen).toEqual([]);
  });

  test('is used up by a finished consent', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    expect(headingOf(await fixture.comeBack(browser, answerTo(away, server)))).toBe(
      'Connected to The Ledger',
    );

    const again = await browser.open(pathOf(link.url));

    expect(again.statusCode).toBe(403);
    expect(headingOf(again)).toBe('Not connected');
    expect(textOf(again.body)).toContain('has been used already');
  });

  test('works again after the user has declined, and Try again leads back', async ({
    fixture,
    server,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId);
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    const denied = answerTo(away, server, { code: undefined, error: 'access_denied' });
    const page = await fixture.comeBack(browser, denied);
    expect(headingOf(page)).toBe('Not connected to The Ledger');
    expect(textOf(page.body)).toContain('Try again');
    expect(await fixture.status(link)).toMatchObject({ status: 'denied', code: 'access-denied' });

    const outcomeUrl = `/connect-sessions/${link.connectSessionId}/outcome`;
    const retry = `/connect-sessions/${link.connectSessionId}/retry`;
    const second = await browser.fillIn(outcomeUrl, retry);
    expect(second.statusCode).toBe(303);
    expect(await fixture.status(link)).toMatchObject({ status: 'open' });
    const back = answerTo(new URL(String(second.headers.location)), server);
    expect(headingOf(await fixture.comeBack(browser, back))).toBe('Connected to The Ledger');
    expect((await browser.open(pathOf(link.url))).statusCode).toBe(403);
  });

  test('is refused late', async ({ fixture, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    const late = `UPDATE mcp_connect_session SET expires_at = now() WHERE id = $1`;
    await fixture.pool.query(late, [link.connectSessionId]);
    const page = await fixture.browser().open(pathOf(link.url));
    expect([page.statusCode, headingOf(page)]).toEqual([403, 'Not connected']);
    expect(textOf(page.body)).toContain('too old');
    expect(await fixture.status(link)).toMatchObject({ status: 'expired' });
  });

  test('is refused with another token, and for another server', async ({ fixture, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    const other = await fixture.register();
    for (const url of [
      `/connect/${mcpServerId}?link=${'A'.repeat(43)}`,
      pathOf(link.url).replace(mcpServerId, other),
    ]) {
      const page = await fixture.browser().open(url);
      expect([url, page.statusCode, headingOf(page)]).toEqual([url, 403, 'Not connected']);
    }
  });

  test("is refused in a browser with another user's session, also when Connect was pressed", async ({
    fixture,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId);
    const browser = await fixture.signedIn('mallory');
    const page = await browser.open(pathOf(link.url));
    expect([page.statusCode, headingOf(page)]).toEqual([403, 'Not connected']);
    expect(textOf(page.body)).toContain('signed in as mallory');

    const other = await fixture.link(mcpServerId, {}, 'mallory');
    const token = new URL(link.url).searchParams.get('link') ?? '';
    const form = await browser.open(pathOf(other.url));
    const csrf =
      /name="csrf" value="([^"]*)"/g.exec(form.body.slice(form.body.indexOf('/connect/')))?.[1] ?? '';
    const posted = await browser.submit(`/connect/${mcpServerId}`, { csrf, link: token });
    expect([posted.statusCode, headingOf(posted)]).toEqual([403, 'Not connected']);
    expect(await fixture.status(link)).toMatchObject({ status: 'open' });
  });

  test('connects the account that it names', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { account: 'work' });
    const browser = fixture.browser();
    expect(textOf((await browser.open(pathOf(link.url))).body)).toContain('work');
    await fixture.comeBack(browser, answerTo(await fixture.press(browser, link.url), server));
    expect(await fixture.status(link)).toMatchObject({ account: 'work', status: 'connected' });
    expect(await fixture.grant('alice', mcpServerId, 'work')).toBeDefined();
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
  });

  test('sends its login hint to the authorization server', async ({ fixture, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { loginHint: 'ada@example.com' });
    const away = await fixture.press(fixture.browser(), link.url);
    expect(away.searchParams.get('login_hint')).toBe('ada@example.com');
  });
});

describe('returnTo', () => {
  test.for([
    'https://evil.example/',
    'http://app.example/',
    'https://app.example:444/',
    'https://app.example.evil.example/',
    '/\\evil.example',
    '//evil.example/',
    'https:\\\\evil.example',
    'https://app.example@evil.example/',
    'https://user:pass@app.example/',
    'https://app.example\\@evil.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://app.example/#x',
    ' https://app.example/',
    '/done',
  ])('is refused with a 400: %s', async (returnTo, { fixture, mcpServerId }) => {
    const payload = { mcpServerId, returnTo };
    const answer = await fixture.ask({ method: 'POST', url: '/connect-sessions', payload });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'invalid-request', errors: [{ path: 'returnTo' }] });
  });

  test('gets the session and its status after a consent', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { returnTo: 'https://app.example/done?tab=1' });
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    const answer = await fixture.comeBack(browser, answerTo(away, server));
    const expected = `https://app.example/done?tab=1&connectSessionId=${link.connectSessionId}&status=connected`;
    expect([answer.statusCode, answer.headers.location]).toEqual([303, expected]);
  });

  test('is offered after a refusal, beside another try', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { returnTo: 'https://app.example/done' });
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    const page = await fixture.comeBack(
      browser,
      answerTo(away, server, { code: undefined, error: 'access_denied' }),
    );
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain(
      `href="https://app.example/done?connectSessionId=${link.connectSessionId}&amp;status=denied"`,
    );
    expect(page.body).toContain('>Try again</button>');
  });
});

describe('a connect session', () => {
  test('is shown to its user only', async ({ fixture, mcpServerId }) => {
    const { connectSessionId } = await fixture.link(mcpServerId);
    for (const [user, id] of [
      ['bob', connectSessionId],
      ['alice', 'no-uuid'],
      ['alice', 'x'.repeat(255)],
      ['alice', connectSessionId.toUpperCase()],
      ['alice', '00000000-0000-4000-8000-000000000000'],
    ] as const) {
      for (const [method, url] of [
        ['GET', `/connect-sessions/${id}`],
        ['POST', `/connect-sessions/${id}/confirm`],
      ] as const) {
        const answer = await fixture.ask({ method, url, user });
        expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown-connect-session']);
      }
    }
  });

  test('of an unknown server is a 404', async ({ fixture }) => {
    const payload = { mcpServerId: 'nobody' };
    const answer = await fixture.ask({ method: 'POST', url: '/connect-sessions', payload });
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown-server']);
  });

  test('without a waiting consent is a 409 to confirm', async ({ fixture, mcpServerId }) => {
    const { connectSessionId } = await fixture.link(mcpServerId, { confirm: 'host' });
    const answer = await fixture.ask({
      method: 'POST',
      url: `/connect-sessions/${connectSessionId}/confirm`,
    });
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'nothing-to-confirm']);
  });
});

describe('POST /connect-sessions', () => {
  test('takes no confirmation by somebody else than the host', async ({ fixture, mcpServerId }) => {
    const payload = { mcpServerId, confirm: 'user' };
    const answer = await fixture.ask({ method: 'POST', url: '/connect-sessions', payload });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toMatchObject([{ path: 'confirm' }]);
  });

  test('connects the same account where "default" is written out', async ({
    fixture,
    server,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId, { account: 'default' });
    const browser = fixture.browser();
    await fixture.comeBack(browser, answerTo(await fixture.press(browser, link.url), server));
    expect(await fixture.status(link)).toMatchObject({ account: 'default', status: 'connected' });
    expect(await fixture.grant('alice', mcpServerId)).toBeDefined();
  });
});

describe('without a link', () => {
  test('a signed-in user connects, for the account of the address', async ({
    fixture,
    server,
    mcpServerId,
  }) => {
    const browser = await fixture.signedIn('carol');
    const page = await browser.open(`/connect/${mcpServerId}?step=s1&account=work`);
    expect(textOf(page.body)).toContain('carol');
    const sent = await browser.fillIn(
      `/connect/${mcpServerId}?step=s1&account=work`,
      `/connect/${mcpServerId}`,
    );
    const end = await fixture.comeBack(browser, answerTo(new URL(String(sent.headers.location)), server));
    expect(headingOf(end)).toBe('Connected to The Ledger');
    expect(await fixture.grant('carol', mcpServerId, 'work')).toBeDefined();
  });

  test('a browser without a signed-in user is told what to do, and can begin nothing', async ({
    fixture,
    mcpServerId,
  }) => {
    const browser = fixture.browser();
    const page = await browser.open(`/connect/${mcpServerId}`);
    expect(headingOf(page)).toBe(`Connect ${mcpServerId} again`);
    // A stranger can't find out which servers there are.
    const unknown = await browser.open('/connect/nobody');
    expect(unknown.statusCode).toBe(page.statusCode);
    expect(unknown.body.replaceAll('nobody', mcpServerId)).toBe(page.body);
    const signedIn = await (await fixture.signedIn('carol')).open('/connect/nobody');
    expect([signedIn.statusCode, headingOf(signedIn)]).toEqual([404, 'Not connected']);
    const link = await fixture.link(mcpServerId);
    const form = await browser.open(pathOf(link.url));
    const csrf = csrfIn(form.body);
    const posted = await browser.submit(`/connect/${mcpServerId}`, { csrf });
    expect([posted.statusCode, headingOf(posted)]).toEqual([403, 'Not connected']);
  });
});
