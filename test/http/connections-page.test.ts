import { describe, expect } from 'vitest';
import { textOf } from '../support/page-text.ts';
import { type BrowserClient, createBrowserClient, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, DEPOSIT, OAUTH_SERVER, PUBLIC_URL, registerServer } from './http-fixture.ts';

async function createServersFixture() {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'ledger', { ...OAUTH_SERVER, title: 'Ledger & <Co>' });
  await registerServer(fixture, 'my notes/ü', OAUTH_SERVER);
  await registerServer(fixture, 'open', { url: 'https://open.example/mcp', auth: { type: 'none' } });
  return fixture;
}

const test = httpTestWith(createServersFixture)
  .extend('signedIn', ({ fixture }) => async (userId: string): Promise<BrowserClient> => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const session = await fixture.deps.web.sessions.begin({ userId, isAdmin: false });
    browser.cookies.set('__Host-latchkey-session', session);
    return browser;
  })
  .extend('deposit', ({ fixture }) => async (user: string, deposit: object) => {
    const payload = { ...DEPOSIT, ...deposit };
    const answer = await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', user, payload });
    expect(answer.statusCode).toBe(200);
  });

const cards = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<section class="card[^>]* data-server-id="([^"]*)"[^>]*>([\s\S]*?)<\/section>/g)].map(
      ([, id = '', card = '']) => [id, card],
    ),
  );

describe('the page of connections', () => {
  test('shows every server that can be connected, with a link', async ({ signedIn }) => {
    const page = await (await signedIn('fresh')).open('/connections');
    expect(page.body).toContain('<h1>Connections</h1>');
    const found = cards(page.body);
    expect(Object.keys(found)).toEqual(['ledger', 'my notes/ü']);
    expect(textOf(found.ledger)).toBe('Ledger &amp; &lt;Co> mcp.example Not connected. Connect');
    expect(found['my notes/ü']).toContain('href="/mcp/connect/my%20notes%2F%C3%BC"');
  });

  test('tells the buttons of two accounts apart', async ({ signedIn, deposit }) => {
    await deposit('two-accounts', { mcpServerId: 'ledger', refreshToken: 'two-1' });
    await deposit('two-accounts', { mcpServerId: 'ledger', account: 'work', refreshToken: 'two-2' });
    const { body } = await (await signedIn('two-accounts')).open('/connections');
    const buttons = [...body.matchAll(/aria-describedby="([^"]*)"[^>]*>\s*Disconnect/g)].map(
      ([, ids]) => ids,
    );
    expect(buttons).toEqual(['name-ledger of-account:ledger:default', 'name-ledger of-account:ledger:work']);
    for (const id of buttons.join(' ').split(' ')) expect(body).toContain(` id="${id}"`);
  });

  test("shows the user's own accounts, with state, reason and waiting steps in words", async ({
    signedIn,
    deposit,
    fixture,
  }) => {
    await deposit('alice', { mcpServerId: 'ledger' });
    await deposit('alice', {
      mcpServerId: 'ledger',
      account: 'work & <more>',
      label: '<i>A</i>',
      refreshToken: 'r2',
    });
    await deposit('bob', { mcpServerId: 'my notes/ü', refreshToken: 'r3' });
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE account <> 'default'`,
    );
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, account, seen_version)
       VALUES ('w1', 's1', 'alice', 'ledger', 'work & <more>', 1), ('w2', 's2', 'alice', 'ledger', 'work & <more>', 1)`,
    );
    const { body } = await (await signedIn('alice')).open('/connections');
    const found = cards(body);
    expect(textOf(found.ledger)).toMatch(/Your account Connected Since [^<]*UTC Reconnect Disconnect/);
    expect(textOf(found.ledger)).toMatch(
      /&lt;i>A&lt;\/i> \(work &amp; &lt;more>\) Needs you to reconnect Your permission has ended: it expired, or it was withdrawn at the provider. Since [^<]*UTC 2 steps wait for it Reconnect Disconnect/,
    );
    expect(found.ledger).toContain('href="/mcp/?status=awaiting-input&amp;server=ledger"');
    expect(found.ledger).toContain('href="/mcp/connect/ledger"');
    expect(found.ledger).toContain('href="/mcp/connect/ledger?account=work%20%26%20%3Cmore%3E"');
    expect(textOf(found['my notes/ü'])).toContain('Not connected.');
    expect(body).not.toContain('<i>');
  });
});

describe('an account', () => {
  test('that is not connected is listed where steps wait for it', async ({ signedIn, fixture }) => {
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, account, seen_version)
       VALUES ('w3', 's3', 'frank', 'ledger', 'a/b "c"', 0), ('w4', 's4', 'frank', 'ledger', 'default', 0),
              ('w5', 's5', 'grace', 'ledger', 'other', 0)`,
    );
    const found = cards((await (await signedIn('frank')).open('/connections')).body);
    expect(textOf(found.ledger)).toContain('a/b &quot;c&quot; Not connected 1 step waits for it Connect');
    expect(textOf(found.ledger)).toContain('Your account Not connected 1 step waits for it Connect');
    expect(found.ledger).toContain('href="/mcp/connect/ledger?account=a%2Fb%20%22c%22"');
    expect(found.ledger).not.toContain('other');
    expect(textOf(found['my notes/ü'])).toContain('Not connected. Connect');
  });

  test('without a name can be connected while only others are connected', async ({ signedIn, deposit }) => {
    await deposit('heidi', { mcpServerId: 'ledger', account: 'work' });
    const found = cards((await (await signedIn('heidi')).open('/connections')).body);
    expect(textOf(found.ledger)).toContain('Your account: not connected. Connect');
    expect(found.ledger).toContain('href="/mcp/connect/ledger"');
  });

  test('that needs more access for a step says so', async ({ signedIn, deposit, fixture }) => {
    await deposit('kim', { mcpServerId: 'ledger' });
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter
         (workflow_id, step_id, user_id, mcp_server_id, account, seen_version, required_scopes)
       SELECT 'w6', 's6', user_id, mcp_server_id, account, credential_version, 'files:write'
         FROM mcp_credential WHERE user_id = 'kim'`,
    );
    const found = cards((await (await signedIn('kim')).open('/connections')).body);
    expect(textOf(found.ledger)).toMatch(
      /Your account Needs more access The server asks for more access than you have allowed: files:write Since [^<]* 1 step waits for it .*Allow more access Disconnect/,
    );
    expect(textOf(found.ledger)).not.toContain('Connected');
  });

  test('that refuses a step although it is connected has to be connected again', async ({
    signedIn,
    deposit,
    fixture,
  }) => {
    await deposit('lea', { mcpServerId: 'ledger' });
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, account, seen_version)
       SELECT 'w7', 's7', user_id, mcp_server_id, account, credential_version
         FROM mcp_credential WHERE user_id = 'lea'`,
    );
    const found = cards((await (await signedIn('lea')).open('/connections')).body);
    expect(textOf(found.ledger)).toMatch(
      /Your account Needs you to reconnect The server no longer accepts the access. /,
    );
  });

  test('can be added under a name', async ({ signedIn, deposit }) => {
    await deposit('heidi', { mcpServerId: 'ledger' });
    const found = cards((await (await signedIn('heidi')).open('/connections')).body);
    expect(found.ledger).toMatch(
      /<form method="get" action="\/mcp\/connect\/ledger"[^>]*>[\s\S]*name="account"/,
    );
    expect(found['my notes/ü']).not.toContain('<form');
  });

  test('shows few scopes as a list, and folds many away', async ({ signedIn, deposit }) => {
    await deposit('ivan', { mcpServerId: 'ledger', scopes: 'files:read <b>&' });
    await deposit('ivan', { mcpServerId: 'my notes/ü', scopes: 'a b c d e', refreshToken: 'r2' });
    const found = cards((await (await signedIn('ivan')).open('/connections')).body);
    expect(found.ledger).toContain('<code dir="auto">files:read</code>');
    expect(found.ledger).toContain('<code dir="auto">&lt;b>&amp;</code>');
    expect(found.ledger).not.toContain('<summary>2 scopes');
    expect(found['my notes/ü']).toContain('<summary>5 scopes</summary>');
  });

  test('says since when it has its state, which a renewal does not change', async ({
    signedIn,
    deposit,
    fixture,
  }) => {
    await deposit('judy', { mcpServerId: 'ledger' });
    const open = async () => cards((await (await signedIn('judy')).open('/connections')).body).ledger ?? '';
    const since = (card: string) => /Since <time datetime="([^"]*)"/.exec(card)?.[1] ?? '';
    const update = (change: string) =>
      fixture.pool.query(`UPDATE mcp_credential SET ${change} WHERE user_id = 'judy'`);
    const connectedAt = since(await open());
    expect(connectedAt).not.toBe('');
    await update("token_version = token_version + 1, updated_at = now() + interval '1 hour'");
    expect(since(await open())).toBe(connectedAt);
    await update("status = 'reauth-required', reason = 'invalid-grant'");
    expect(since(await open()) > connectedAt).toBe(true);
  });
});

test('says that an account was disconnected, and nothing that was made up', async ({ signedIn, deposit }) => {
  await deposit('olga', { mcpServerId: 'ledger' });
  const browser = await signedIn('olga');
  const answer = await browser.fillIn('/disconnect/ledger', '/disconnect/ledger');
  expect(answer.headers.location).toBe(`${PUBLIC_URL}/connections?said=disconnected`);
  expect(textOf((await browser.open('/connections?said=disconnected')).body)).toContain(
    'Disconnected. Steps',
  );
  expect((await browser.open('/connections?said=server-added')).body).not.toContain('id="done"');
});

test('a server that needs no connection, and one that is paused, say so', async ({ signedIn, fixture }) => {
  await fixture.deps.servers.setPaused('my notes/ü', true);
  const { body } = await (await signedIn('fresh')).open('/connections');
  await fixture.deps.servers.setPaused('my notes/ü', false);
  expect(textOf(/<li [^>]*data-server-id="open"[\s\S]*?<\/li>/.exec(body)?.[0])).toBe(
    'open open.example Needs no connection',
  );
  expect(textOf(cards(body)['my notes/ü'])).toContain('Paused');
  expect(textOf(cards(body).ledger)).not.toContain('Paused');
});

describe('disconnecting', () => {
  test('asks again, then ends that account and no other', async ({ signedIn, deposit, fixture }) => {
    await deposit('carol', { mcpServerId: 'ledger' });
    await deposit('carol', { mcpServerId: 'ledger', account: 'work', refreshToken: 'r2' });
    const browser = await signedIn('carol');
    const list = await browser.open('/connections');
    expect(list.body).toContain('<form method="get" action="/mcp/disconnect/ledger" ');
    const accounts = async () =>
      (await fixture.deps.listConnections('carol')).map(({ account }) => account).sort();

    const page = await browser.open('/disconnect/ledger?account=work');
    expect(page.body).toContain('<h1>Disconnect Ledger &amp; &lt;Co>?</h1>');
    expect(await accounts()).toEqual(['default', 'work']);
    const fields = hiddenFields(page.body, '/mcp/disconnect/ledger');
    expect(fields).toMatchObject({ account: 'work' });
    const answer = await browser.submit('/disconnect/ledger', fields);
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/connections?said=disconnected`);
    expect(await accounts()).toEqual(['default']);

    const other = await browser.open('/disconnect/ledger');
    await browser.submit('/disconnect/ledger', hiddenFields(other.body, '/mcp/disconnect/ledger'));
    expect(await accounts()).toEqual([]);
  });

  test('is not done for another site, without a form or without a session', async ({
    signedIn,
    deposit,
    fixture,
  }) => {
    await deposit('dave', { mcpServerId: 'ledger' });
    const browser = await signedIn('dave');
    const fields = hiddenFields((await browser.open('/disconnect/ledger')).body, '/mcp/disconnect/ledger');
    const forged = await browser.submit('/disconnect/ledger', fields, { origin: 'https://evil.example' });
    expect(forged.statusCode).toBe(403);
    expect((await browser.submit('/disconnect/ledger', {})).statusCode).toBe(403);
    browser.cookies.delete('__Host-latchkey-session');
    expect((await browser.submit('/disconnect/ledger', fields)).statusCode).toBe(403);
    expect((await browser.open('/disconnect/ledger')).headers.location).toBe(
      `${PUBLIC_URL}/sign-in?returnTo=%2Fdisconnect%2Fledger`,
    );
    expect(await fixture.deps.listConnections('dave')).toHaveLength(1);
  });

  test("knows only the user's own connections", async ({ signedIn, deposit }) => {
    await deposit('erin', { mcpServerId: 'ledger' });
    const browser = await signedIn('mallory');
    for (const url of ['/disconnect/ledger', '/disconnect/none', '/disconnect/ledger?account=x']) {
      const answer = await browser.open(url);
      expect(answer.statusCode).toBe(404);
      expect(answer.body).toContain('You have no such connection.');
    }
  });
});

test('a database that is down is a page', async () => {
  const fixture = await createHttpFixture({
    deps: {
      listConnections: async () => {
        throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      },
    },
  });
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  const answer = await browser.open('/connections');
  await fixture.close();
  expect(answer.statusCode).toBe(503);
  expect(answer.headers['retry-after']).toBe('2');
  expect(answer.body).toContain('<h1>Not available at the moment</h1>');
});
