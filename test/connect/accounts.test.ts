import { describe, expect } from 'vitest';
import { type BrowserClient, hiddenFields } from '../http/browser-client.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { answerTo, type ConnectFixture, headingOf, type Link } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { json, tokens } from './scripted-authorization-server.ts';

const test = connectTest
  .extend('browser', ({ fixture }) => fixture.browser())
  /** A server whose userinfo endpoint says whose account it is. */
  .extend('mcpServerId', ({ fixture, server }) =>
    fixture.register({ authorizationServer: server.issuer, scopes: 'openid' }),
  )
  /** Goes through the flow of a link as somebody at the provider. Returns the page at the end. */
  .extend(
    'consentAs',
    ({ fixture, server, browser }) =>
      async (link: Link, sub: string, token: string | undefined = `of-${sub}`, changes: object = {}) => {
        const away = await fixture.press(browser, link.url);
        const claims = {
          iss: server.issuer,
          sub,
          aud: away.searchParams.get('client_id'),
          exp: Math.floor(Date.now() / 1000) + 600,
          nonce: away.searchParams.get('nonce') ?? undefined,
          email: `${sub}@provider.example`,
        };
        const id_token = `${encode({ alg: 'none' })}.${encode(claims)}.x`;
        server.answer('/token', tokens({ refresh_token: token, id_token, ...changes }));
        return fixture.comeBack(browser, answerTo(away, server));
      },
  );

/** The second form of the page, from the fields of the first one. */
function replaceIn({ csrf = '', consent = '' }: Record<string, string>): Record<string, string> {
  return { csrf, consent, choice: 'replace' };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Moves the times of a session back. */
async function letPass(
  { pool }: Pick<ConnectFixture, 'pool'>,
  { connectSessionId }: Link,
  time: string,
): Promise<void> {
  const { rowCount } = await pool.query(
    `UPDATE mcp_connect_session SET active_until = active_until - $2::interval,
       expires_at = expires_at - $2::interval WHERE id = $1`,
    [connectSessionId, time],
  );
  expect(rowCount).toBe(1);
}

describe('the account at the provider', () => {
  test('is remembered and shown', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId);
    expect(textOf((await consentAs(link, 'ada')).body)).toContain('ada@provider.example');
    expect(await fixture.status(link)).toMatchObject({ label: 'ada@provider.example' });
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({
      subject: 'ada',
      label: 'ada@provider.example',
    });
  });

  test('may reconnect without a question', async ({ fixture, mcpServerId, consentAs }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    const end = await consentAs(await fixture.link(mcpServerId), 'ada', 'second');
    expect(headingOf(end)).toBe('Connected to The Ledger');
    expect((await fixture.grant('alice', mcpServerId))?.grant).toMatchObject({ refreshToken: 'second' });
  });
});

describe('an authorization server that sends an ID token unasked', () => {
  const unasked = test.extend('mcpServerId', ({ fixture, server }) =>
    fixture.register({ authorizationServer: server.issuer, scopes: 'notes' }),
  );

  unasked(
    'is believed whose account it is, and another person is asked about',
    async ({ fixture, mcpServerId, consentAs }) => {
      await consentAs(await fixture.link(mcpServerId), 'ada');
      expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
      const page = await consentAs(await fixture.link(mcpServerId), 'grace');
      expect(headingOf(page)).toBe('This is another account');
      expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
    },
  );
});

describe('a consent that does not say whose it is', () => {
  test('is asked about where the connected account is known', async ({
    fixture,
    server,
    browser,
    mcpServerId,
    consentAs,
  }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    const away = await fixture.press(browser, (await fixture.link(mcpServerId)).url);
    server.answer('/token', tokens({ refresh_token: 'of-nobody' }));
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(page)).toBe('This is another account');
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({
      subject: 'ada',
      grant: { refreshToken: 'of-ada' },
    });
  });

  test('is not asked about where no account is known', async ({ fixture, server, browser, mcpServerId }) => {
    for (const refresh_token of ['first', 'second']) {
      const away = await fixture.press(browser, (await fixture.link(mcpServerId)).url);
      server.answer('/token', tokens({ refresh_token }));
      const page = await fixture.comeBack(browser, answerTo(away, server));
      expect(headingOf(page)).toBe('Connected to The Ledger');
    }
  });
});

describe('another account at the provider than the connected one', () => {
  const asOther = test.extend('link', async ({ fixture, mcpServerId, consentAs }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    const link = await fixture.link(mcpServerId);
    const page = await consentAs(link, 'grace');
    expect(headingOf(page)).toBe('This is another account');
    return link;
  });
  const pageOf = ({ connectSessionId }: Link) => `/connect-sessions/${connectSessionId}/outcome`;
  const choiceOf = ({ connectSessionId }: Link) => `/connect-sessions/${connectSessionId}/account`;

  const replace = async (browser: BrowserClient, link: Link) => {
    const page = await browser.open(pageOf(link));
    const fields = hiddenFields(page.body, choiceOf(link));
    return browser.submit(choiceOf(link), replaceIn(fields));
  };

  asOther('changes nothing before its user has chosen', async ({ fixture, mcpServerId, link, browser }) => {
    expect(await fixture.status(link)).toMatchObject({ status: 'open', code: 'account-mismatch' });
    expect((await fixture.grant('alice', mcpServerId))?.grant).toMatchObject({ refreshToken: 'of-ada' });
    const { rows } = await fixture.pool.query('SELECT s::text FROM mcp_connect_session s');
    expect(JSON.stringify(rows)).not.toContain('of-grace');
    expect((await fixture.browser().submit(choiceOf(link), { choice: 'replace' })).statusCode).toBe(403);
    expect((await browser.open(pageOf(link))).body).not.toContain('of-grace');
  });

  asOther('replaces it if the user says so', async ({ fixture, mcpServerId, link, browser }) => {
    await replace(browser, link);
    expect(headingOf(await browser.open(pageOf(link)))).toBe('Connected to The Ledger');
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({
      subject: 'grace',
      grant: { refreshToken: 'of-grace' },
    });
    expect(await fixture.status(link)).toMatchObject({ status: 'connected', account: 'default' });
  });

  asOther(
    'is kept as another account under the name that the user gives',
    async ({ fixture, mcpServerId, link, browser }) => {
      await browser.fillIn(pageOf(link), choiceOf(link), { account: 'work' });
      expect(headingOf(await browser.open(pageOf(link)))).toBe('Connected to The Ledger');
      expect(await fixture.status(link)).toMatchObject({ status: 'connected', account: 'work' });
      expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
      expect(await fixture.grant('alice', mcpServerId, 'work')).toMatchObject({ subject: 'grace' });
    },
  );

  asOther(
    'never replaces a third account by its name',
    async ({ fixture, mcpServerId, link, browser, consentAs }) => {
      await consentAs(await fixture.link(mcpServerId, { account: 'work' }), 'linus');
      const page = await browser.fillIn(pageOf(link), choiceOf(link), { account: 'work' });
      expect(textOf(page.body)).toContain('another connection called “work”');
      expect(await fixture.grant('alice', mcpServerId, 'work')).toMatchObject({ subject: 'linus' });
      await browser.fillIn(pageOf(link), choiceOf(link), { account: 'home' });
      expect(await fixture.grant('alice', mcpServerId, 'home')).toMatchObject({ subject: 'grace' });
    },
  );

  asOther(
    'is chosen once, also by two clicks at the same time',
    async ({ fixture, mcpServerId, link, browser }) => {
      await Promise.all([
        browser.fillIn(pageOf(link), choiceOf(link), { account: 'work' }),
        replace(browser, link),
      ]);
      const stored = await Promise.all([
        fixture.grant('alice', mcpServerId),
        fixture.grant('alice', mcpServerId, 'work'),
      ]);
      expect(stored.filter((one) => one?.grant.refreshToken === 'of-grace')).toHaveLength(1);
    },
  );

  // The user signs in twice, in two tabs, and chooses in the first one.
  asOther(
    'is chosen only for the consent that the page shows',
    async ({ fixture, mcpServerId, link, browser, consentAs }) => {
      const shown = hiddenFields((await browser.open(pageOf(link))).body, choiceOf(link));
      await consentAs(link, 'linus');
      const refused = await browser.submit(choiceOf(link), replaceIn(shown));
      expect(headingOf(refused)).toBe('This is another account');
      expect(textOf(refused.body)).toContain('linus@provider.example');
      expect(textOf(refused.body)).toContain('your choice was not carried out');
      expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
      await browser.submit(choiceOf(link), replaceIn(hiddenFields(refused.body, choiceOf(link))));
      expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'linus' });
    },
  );

  asOther('can be chosen for 15 minutes', async ({ fixture, mcpServerId, link, browser }) => {
    const page = await browser.open(pageOf(link));
    const fields = hiddenFields(page.body, choiceOf(link));
    await letPass(fixture, link, '14 minutes');
    expect(headingOf(await browser.open(pageOf(link)))).toBe('This is another account');
    await letPass(fixture, link, '1 minute');
    await browser.submit(choiceOf(link), replaceIn(fields));
    expect(headingOf(await browser.open(pageOf(link)))).toBe('Not connected to The Ledger');
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
    expect(await fixture.status(link)).toMatchObject({ status: 'expired' });
  });
});

describe("confirm: 'host'", () => {
  const confirm = (link: Link) => ({
    method: 'POST' as const,
    url: `/connect-sessions/${link.connectSessionId}/confirm`,
  });

  test('stores nothing as connected before the host has confirmed', async ({
    fixture,
    mcpServerId,
    consentAs,
  }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host', returnTo: 'https://app.example/done' });
    const end = await consentAs(link, 'ada');
    const back = new URL(String(end.headers.location));
    expect([end.statusCode, back.origin, back.pathname]).toEqual([303, 'https://app.example', '/done']);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      connectSessionId: link.connectSessionId,
      status: 'awaiting-confirmation',
      confirmation: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(await fixture.status(link)).toMatchObject({
      status: 'awaiting-confirmation',
      label: 'ada@provider.example',
    });
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
    const { rows } = await fixture.pool.query('SELECT s::text FROM mcp_connect_session s');
    expect(JSON.stringify(rows)).not.toContain('of-ada');

    const confirmed = await fixture.ask(confirm(link));

    expect([confirmed.statusCode, confirmed.json().status]).toEqual([200, 'connected']);
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
    const again = await fixture.ask(confirm(link));
    expect([again.statusCode, again.json().status]).toEqual([200, 'connected']);
  });

  // Someone may open `returnTo` by hand, with the id of a link of their own.
  test('can be bound to the browser that has consented', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host', returnTo: 'https://app.example/done' });
    const end = await consentAs(link, 'ada');
    const confirmation = new URL(String(end.headers.location)).searchParams.get('confirmation');
    const guessed = await fixture.ask({ ...confirm(link), payload: { confirmation: 'x'.repeat(43) } });
    expect([guessed.statusCode, guessed.json().code]).toEqual([409, 'nothing-to-confirm']);
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
    const confirmed = await fixture.ask({ ...confirm(link), payload: { confirmation } });
    expect([confirmed.statusCode, confirmed.json().status]).toEqual([200, 'connected']);
  });

  test('shows the user that one thing is left to do', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    const page = await consentAs(link, 'ada');
    expect(headingOf(page)).not.toContain('Connected');
    expect(textOf(page.body)).toContain('as soon as the app that sent you here has confirmed it');
  });

  test('is answered alike to two confirmations at once', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    await consentAs(link, 'ada');
    const answers = await Promise.all([fixture.ask(confirm(link)), fixture.ask(confirm(link))]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(await fixture.status(link)).toMatchObject({ status: 'connected' });
    const { rows } = await fixture.pool.query(
      'SELECT credential_version FROM mcp_credential WHERE mcp_server_id = $1',
      [mcpServerId],
    );
    expect(rows).toEqual([{ credential_version: '1' }]);
  });

  test('takes no other fields', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    await consentAs(link, 'ada');
    const refused = await fixture.ask({ ...confirm(link), payload: { account: 'work' } });
    expect([refused.statusCode, refused.json().errors]).toMatchObject([400, [{ path: 'account' }]]);
    expect(await fixture.status(link)).toMatchObject({ status: 'awaiting-confirmation' });
    const confirmed = await fixture.ask({ ...confirm(link), payload: {} });
    expect([confirmed.statusCode, confirmed.json().status]).toEqual([200, 'connected']);
    const again = await fixture.ask(confirm(link));
    expect([again.statusCode, again.json().status]).toEqual([200, 'connected']);
  });

  test('is too late after 15 minutes, and the tokens are deleted', async ({
    fixture,
    mcpServerId,
    consentAs,
  }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    await consentAs(link, 'ada');
    await letPass(fixture, link, '15 minutes');
    expect((await fixture.ask(confirm(link))).statusCode).toBe(409);
    expect(await fixture.status(link)).toMatchObject({ status: 'expired' });
  });

  test('is in time after 14 minutes', async ({ fixture, mcpServerId, consentAs }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    await consentAs(link, 'ada');
    await letPass(fixture, link, '14 minutes');
    expect((await fixture.ask(confirm(link))).statusCode).toBe(200);
  });

  test('comes after the choice of the account', async ({ fixture, mcpServerId, consentAs, browser }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    expect(headingOf(await consentAs(link, 'grace'))).toBe('This is another account');
    expect((await fixture.ask(confirm(link))).statusCode).toBe(409);
    const path = `/connect-sessions/${link.connectSessionId}`;
    await browser.fillIn(`${path}/outcome`, `${path}/account`, { account: 'work' });
    expect(await fixture.status(link)).toMatchObject({ status: 'awaiting-confirmation', account: 'work' });
    expect((await fixture.ask(confirm(link))).json()).toMatchObject({ status: 'connected', account: 'work' });
    expect(await fixture.grant('alice', mcpServerId, 'work')).toMatchObject({ subject: 'grace' });
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({ subject: 'ada' });
  });
});

describe('a grant without a refresh token', () => {
  test('works until it expires, and the page says so', async ({ fixture, server, mcpServerId, browser }) => {
    const link = await fixture.link(mcpServerId);
    const away = await fixture.press(browser, link.url);
    server.answer('/token', tokens({ refresh_token: undefined, expires_in: 1800 }));
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(page)).toBe('Connected to The Ledger');
    expect(textOf(page.body)).toMatch(
      /access for a limited time only\s*, until \d+ \w+ \d{4}, \d\d:\d\d UTC/,
    );
    const stored = await fixture.grant('alice', mcpServerId);
    expect(stored).toMatchObject({ status: 'connected', accessToken: 'access-1' });
    expect(stored?.grant).not.toHaveProperty('refreshToken');
  });

  test('keeps the refresh token of an earlier consent of the same person', async ({
    fixture,
    mcpServerId,
    consentAs,
  }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    const without = { refresh_token: undefined, access_token: 'access-2', scope: 'openid more' };
    const page = await consentAs(await fixture.link(mcpServerId), 'ada', undefined, without);
    expect(headingOf(page)).toBe('Connected to The Ledger');
    expect(textOf(page.body)).not.toContain('for a limited time only');
    expect(await fixture.grant('alice', mcpServerId)).toMatchObject({
      grant: { refreshToken: 'of-ada' },
      accessToken: 'access-2',
      scopes: 'openid more',
    });
  });

  test('keeps none that may be dead', async ({ fixture, mcpServerId, consentAs }) => {
    await consentAs(await fixture.link(mcpServerId), 'ada');
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE mcp_server_id = $1`,
      [mcpServerId],
    );
    await consentAs(await fixture.link(mcpServerId), 'ada', undefined, { refresh_token: undefined });
    const stored = await fixture.grant('alice', mcpServerId);
    expect(stored).toMatchObject({ status: 'connected', accessToken: 'access-1' });
    expect(stored?.grant).not.toHaveProperty('refreshToken');
  });

  test('may state no lifetime', async ({ fixture, server, mcpServerId, browser }) => {
    const away = await fixture.press(browser, (await fixture.link(mcpServerId)).url);
    server.answer('/token', json(200, { access_token: 'a', token_type: 'bearer' }));
    const page = await fixture.comeBack(browser, answerTo(away, server));
    expect(textOf(page.body)).toContain('access for a limited time only');
  });
});
