import { describe, expect } from 'vitest';
import { textOf } from '../support/page-text.ts';
import { type BrowserClient, createBrowserClient, csrfIn, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, OAUTH_SERVER, PUBLIC_URL, registerServer } from './http-fixture.ts';

const SECRETS = ['s3cret-query', 's3cret-token', 's3cret-client', 's3cret-header'];
const ODD = `a/b?c#d"<b>'&é.. `.trim();

async function createServersFixture() {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'ledger', {
    url: 'https://mcp.example/mcp?key=s3cret-query',
    title: 'Ledger & <Co>',
    auth: { type: 'oauth2', clientId: 'client-7', clientSecret: 's3cret-client', scopes: 'a b c d e' },
    headers: { 'X-Key': 's3cret-header' },
  });
  await registerServer(fixture, ODD, {
    url: 'https://odd.example/mcp',
    auth: { type: 'bearer', token: 's3cret-token' },
  });
  return fixture;
}

const test = httpTestWith(createServersFixture)
  .extend('signedIn', ({ fixture }) => async (userId: string, isAdmin: boolean): Promise<BrowserClient> => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const session = await fixture.deps.web.sessions.begin({ userId, isAdmin });
    browser.cookies.set('__Host-latchkey-session', session);
    return browser;
  })
  .extend('admin', ({ signedIn }) => signedIn('root', true));

const complaintOf = (html: string, field: string) =>
  new RegExp(`id="${field}-problem"[^>]*>([^<]*)<`).exec(html)?.[1];
const enteredIn = (html: string, field: string) =>
  new RegExp(`<input[^>]*id="${field}"[^>]*>`).exec(html)?.[0].match(/value="([^"]*)"/)?.[1];

const path = (id: string, action = '') => `/servers/${encodeURIComponent(id)}${action}`;

const PAGES: ['GET' | 'POST', string][] = [
  ['GET', '/servers'],
  ['GET', '/servers/new'],
  ['POST', '/servers/check'],
  ['POST', '/servers'],
  ['GET', '/servers/ledger'],
  ['GET', '/servers/ledger/remove'],
  ['POST', '/servers/ledger/check'],
  ['POST', '/servers/ledger/pause'],
  ['POST', '/servers/ledger/resume'],
  ['POST', '/servers/ledger/remove'],
];

describe('the pages of servers', () => {
  test.for(PAGES)('are for admins alone: %s %s', async ([method, url], { signedIn, fixture }) => {
    const user = await signedIn('alice', false);
    const csrf = csrfIn((await user.open('/connections')).body);
    const answer = method === 'GET' ? await user.open(url) : await user.submit(url, { csrf });
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toContain('This page is for admins of this service.');
    expect(answer.body).not.toContain('Ledger');
    const stranger = createBrowserClient(fixture.app, PUBLIC_URL);
    const led = method === 'GET' ? await stranger.open(url) : await stranger.submit(url, {});
    expect([led.statusCode, String(led.headers.location)]).toEqual([
      303,
      expect.stringContaining('/sign-in?'),
    ]);
    expect(await fixture.deps.servers.find('ledger')).toMatchObject({ paused: false });
  });

  test('take no form of another site, and none without its token', async ({ admin, fixture }) => {
    const fields = hiddenFields((await admin.open('/servers/ledger')).body, '/mcp/servers/ledger/pause');
    const forged = await admin.submit('/servers/ledger/pause', fields, { origin: 'https://evil.example' });
    expect(forged.statusCode).toBe(403);
    expect((await admin.submit('/servers/ledger/pause', {})).statusCode).toBe(403);
    expect(await fixture.deps.servers.find('ledger')).toMatchObject({ paused: false });
  });

  test('show no secret, nor the query of a URL', async ({ admin }) => {
    const csrf = csrfIn((await admin.open('/servers/ledger')).body);
    const pages = await Promise.all([
      admin.open('/servers'),
      admin.open('/servers/ledger'),
      admin.open(path(ODD)),
      admin.open('/servers/ledger/remove'),
      admin.open('/connections'),
      admin.submit('/servers/ledger/check', { csrf }),
    ]);
    for (const page of pages) {
      expect(page.statusCode).toBe(200);
      for (const secret of SECRETS) expect(page.body).not.toContain(secret);
    }
    expect(textOf(pages[1]?.body ?? '')).toContain(
      'https://mcp.example/mcp With a query (key), whose values',
    );
    expect(textOf(pages[1]?.body ?? '')).toContain('X-Key Their values are stored encrypted');
  });

  test('list every server, with what it is', async ({ admin, fixture }) => {
    await fixture.deps.servers.setPaused(ODD, true);
    const { body } = await admin.open('/servers');
    await fixture.deps.servers.setPaused(ODD, false);
    const rows = [...body.matchAll(/<li id="server-[\s\S]*?<\/li>/g)].map(([row]) => textOf(row).trim());
    const ledger = rows.find((row) => row.includes('Ledger')) ?? '';
    expect(ledger).toMatch(
      /^Ledger &amp; &lt;Co> ledger · mcp.example OAuth, each user connects Added .*UTC$/,
    );
    const odd = rows.find((row) => row.includes('odd.example')) ?? '';
    expect(odd).toMatch(/· odd.example Paused One token for all users Added/);
    expect(body).not.toContain('<b>');
    expect(body).toContain(`href="/mcp${path(ODD)}"`);
  });

  test('of an id with odd characters lead to each other', async ({ admin, fixture }) => {
    const page = await admin.open(path(ODD));
    expect(page.statusCode).toBe(200);
    const paused = await admin.fillIn(path(ODD), path(ODD, '/pause'));
    expect([paused.statusCode, paused.headers.location]).toEqual([
      303,
      `${PUBLIC_URL}${path(ODD)}?said=server-paused`,
    ]);
    expect(await fixture.deps.servers.find(ODD)).toMatchObject({ paused: true });
    await admin.fillIn(path(ODD), path(ODD, '/resume'));
    expect(await fixture.deps.servers.find(ODD)).toMatchObject({ paused: false });
  });

  test('of a server called `new` are not the page that adds one', async ({ admin, fixture }) => {
    await registerServer(fixture, 'new', OAUTH_SERVER);
    const list = await admin.open('/servers');
    expect(list.body).toContain('href="/mcp/servers/new/"');
    expect((await admin.open('/servers/new/')).body).toContain('What is registered');
    expect((await admin.open('/servers/new')).body).toContain('Add a server');
    await fixture.deps.servers.remove('new');
  });

  test.for(['/servers/none', '/servers/none/remove'])(
    'of no server are a 404: %s',
    async (url, { admin }) => {
      const answer = await admin.open(url);
      expect(answer.statusCode).toBe(404);
      expect(answer.body).toContain('No MCP server is registered under this id.');
    },
  );

  test('remove a server only after they have asked again', async ({ admin, fixture }) => {
    await registerServer(fixture, 'old', OAUTH_SERVER);
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version)
       VALUES ('w1', 's1', 'alice', 'old', 0), ('w2', 's2', 'bob', 'old', 0)`,
    );
    const asked = await admin.open('/servers/old/remove');
    expect(textOf(asked.body)).toContain('Connections 0 Steps that wait for one 2');
    expect(await fixture.deps.servers.find('old')).toBeDefined();
    const removed = await admin.fillIn('/servers/old/remove', '/servers/old/remove');
    expect([removed.statusCode, removed.headers.location]).toEqual([
      303,
      `${PUBLIC_URL}/servers?said=server-removed`,
    ]);
    expect(await fixture.deps.servers.find('old')).toBeUndefined();
  });

  test('of a check lead to the form when they are opened by their address', async ({ admin, fixture }) => {
    expect((await admin.open('/servers/check')).headers.location).toBe(`${PUBLIC_URL}/servers/new`);
    const one = await admin.open('/servers/ledger/check');
    expect(one.headers.location).toBe(`${PUBLIC_URL}/servers/ledger`);
    await registerServer(fixture, 'check', OAUTH_SERVER);
    expect((await admin.open('/servers')).body).toContain('href="/mcp/servers/check/"');
    expect((await admin.open('/servers/check/')).body).toContain('What is registered');
    await fixture.deps.servers.remove('check');
  });

  test('say what was done, where the server agrees', async ({ admin, fixture }) => {
    const noticeOf = async (url: string) =>
      textOf(/<div id="done"[\s\S]*?<\/div>/.exec((await admin.open(url)).body)?.[0]);
    expect(await noticeOf('/servers/ledger?said=server-added')).toMatch(/^Added\./);
    expect(await noticeOf('/servers/ledger?said=server-resumed')).toMatch(/^Resumed\./);
    expect(await noticeOf('/servers/ledger?said=server-paused')).toBe('');
    await fixture.deps.servers.setPaused('ledger', true);
    expect(await noticeOf('/servers/ledger?said=server-paused')).toMatch(/^Paused\./);
    expect(await noticeOf('/servers/ledger?said=server-resumed')).toBe('');
    await fixture.deps.servers.setPaused('ledger', false);
    expect(await noticeOf('/servers?said=server-removed')).toBe('The server was removed.');
    for (const said of ['<script>', 'constructor', 'signed-out', 'server-removed&said=x']) {
      expect(await noticeOf(`/servers/ledger?said=${said}`)).toBe('');
    }
  });

  test('are in the audit log as the changes of the API are', async ({ admin, fixture }) => {
    const add = { url: 'https://audited.example/mcp', id: 'audited', type: 'none' };
    const csrf = csrfIn((await admin.open('/servers/new')).body);
    expect((await admin.submit('/servers', { csrf, ...add })).statusCode).toBe(303);
    for (const action of ['pause', 'resume', 'remove']) {
      await admin.submit(`/servers/audited/${action}`, { csrf });
    }
    const { rows } = await fixture.pool.query(
      "SELECT action, actor_user_id FROM mcp_audit_event WHERE mcp_server_id = 'audited' ORDER BY id",
    );
    expect(rows).toEqual(
      ['server-registered', 'server-paused', 'server-resumed', 'server-removed'].map((action) => ({
        action,
        actor_user_id: 'root',
      })),
    );
  });
});

describe('adding a server', () => {
  const adding = test.extend('add', async ({ admin }) => {
    const csrf = csrfIn((await admin.open('/servers/new')).body);
    return (fields: Record<string, string>, url = '/servers') => admin.submit(url, { csrf, ...fields });
  });

  adding('stores what was entered, and leads to its page', async ({ add, fixture }) => {
    const answer = await add({
      url: ' https://new.example/mcp ',
      query: 'key=s3cret-query',
      id: 'fresh',
      title: 'Fresh',
      type: 'oauth2',
      clientId: 'c1',
      clientSecret: 's3cret-client',
      scopes: '',
      token: 'ignored',
      unknown: 'x',
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([
      303,
      `${PUBLIC_URL}/servers/fresh?said=server-added`,
    ]);
    expect(await fixture.deps.servers.find('fresh')).toMatchObject({
      url: 'https://new.example/mcp',
      queryNames: ['key'],
      title: 'Fresh',
      auth: { type: 'oauth2', clientId: 'c1' },
    });
    await fixture.deps.servers.remove('fresh');
  });

  adding('never replaces a server', async ({ add, fixture }) => {
    const before = await fixture.deps.servers.find('ledger');
    const answer = await add({ url: 'https://evil.example/mcp', id: 'ledger', type: 'none' });
    expect(answer.statusCode).toBe(400);
    expect(complaintOf(answer.body, 'id')).toBe('This is the id of another server already.');
    expect(enteredIn(answer.body, 'url')).toBe('https://evil.example/mcp');
    expect(await fixture.deps.servers.find('ledger')).toEqual(before);
  });

  adding('complains at the fields, and shows no secret again', async ({ add }) => {
    const { statusCode, body } = await add({
      url: 'https://user:s3cret-token@host.example/mcp?key=s3cret-query',
      id: 'x',
      type: 'oauth2',
      clientSecret: 's3cret-client',
      scopes: 'a"b',
    });
    expect(statusCode).toBe(400);
    expect(complaintOf(body, 'url')).toMatch(/^Must be a plain URL/);
    expect(complaintOf(body, 'clientId')).toBe('This is required with a client secret.');
    expect(complaintOf(body, 'scopes')).toMatch(/^Must be space-separated scopes/);
    expect(complaintOf(body, 'clientSecret')).toBe('Enter it again: secrets are not shown.');
    expect(complaintOf(body, 'query')).toBe('Enter it again: secrets are not shown.');
    for (const secret of SECRETS) expect(body).not.toContain(secret);
    expect(enteredIn(body, 'url')).toBe('https://host.example/mcp');
    expect(enteredIn(body, 'scopes')).toBe('a&quot;b');
  });

  adding.for([
    ['https://127.0.0.1/mcp', 'url', 'address-refused'],
    ['http://plain.example/mcp', 'url', 'scheme-refused'],
  ] as const)('refuses an address of the policy: %s', async ([url, field, why], { add, fixture }) => {
    const refused = await add({ url, id: 'x', type: 'none' });
    expect([refused.statusCode, complaintOf(refused.body, field)]).toEqual([
      400,
      expect.stringMatching(new RegExp(why, 'i')),
    ]);
    const checked = await add({ url }, '/servers/check');
    expect([checked.statusCode, complaintOf(checked.body, field)]).toEqual([
      400,
      expect.stringMatching(new RegExp(why, 'i')),
    ]);
    expect(await fixture.deps.servers.find('x')).toBeUndefined();
  });

  adding.for(['ftp://x', 'mcp.example/mcp'])(
    'says what a URL has to begin with: %s',
    async (url, { add }) => {
      for (const path of ['/servers/check', '/servers']) {
        const { statusCode, body } = await add({ url, id: 'x', type: 'none' }, path);
        expect([statusCode, complaintOf(body, 'url')]).toEqual([400, 'Must be an http or https URL.']);
      }
    },
  );

  adding.for(['', '.', '..', 'a\u0000b', 'x'.repeat(256)])('refuses the id %j', async (id, { add }) => {
    const { statusCode, body } = await add({ url: 'https://a.example', id, type: 'none' });
    expect(statusCode).toBe(400);
    expect(complaintOf(body, 'id')).toBeDefined();
  });

  adding('complains at an endpoint, whose fields are open then', async ({ add }) => {
    const oauth = { url: 'https://a.example', id: 'x', type: 'oauth2' };
    const { body } = await add({ ...oauth, tokenEndpoint: 'nowhere' });
    expect(complaintOf(body, 'tokenEndpoint')).toBe('Must be a URL.');
    expect(body).toContain('<details id="endpoints" open>');
    const refused = await add({ ...oauth, tokenEndpoint: 'https://127.0.0.1/token' });
    expect(complaintOf(refused.body, 'tokenEndpoint')).toBe('Address-refused.');
  });

  adding('needs a token where all users share one', async ({ add }) => {
    const { body } = await add({ url: 'https://a.example', id: 'x', type: 'bearer' });
    expect(complaintOf(body, 'token')).toBe('This is required.');
  });
});
