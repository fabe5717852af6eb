import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { serveHttp } from '../net/loopback-server.ts';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import { testInBrowser } from './fixtures.ts';
import { allowAs, connectLink, headingOf, leaveToConnect, mainText, sessionOf, signIn } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

const linkFor = (world: World, api: TestApi, user: string) =>
  connectLink(api, user, { mcpServerId: world.mcpServerId });

async function expectNotConnected(page: Page): Promise<void> {
  expect(await headingOf(page)).toMatch(/^Not connected/);
}

async function connectionsOf(api: TestApi, user: string): Promise<unknown> {
  const { body } = await api.ask(user, 'GET /mcp-oauth-credentials');
  return (body as { connections: unknown[] }).connections;
}

/** Holds the page's request that brings the answer back, and returns what waits for its address. */
async function holdCallback(page: Page): Promise<() => Promise<string>> {
  // Playwright's own `route` does not see requests that follow a redirect.
  const devtools = await page.context().newCDPSession(page);
  const callback = new Promise<string>((resolve) => {
    devtools.once('Fetch.requestPaused', async ({ requestId, request }) => {
      await devtools.send('Fetch.fulfillRequest', { requestId, responseCode: 204 });
      await devtools.detach();
      resolve(request.url);
    });
  });
  await devtools.send('Fetch.enable', { patterns: [{ urlPattern: '*/oauth/callback*' }] });
  return () => callback;
}

describe('a link', () => {
  test('is refused to a browser that is signed in as another user', async ({ world, api, page }) => {
    const [user, other] = [world.users.newUser(), world.users.newUser()];
    const link = await linkFor(world, api, user);
    await signIn(page, api, other);
    await page.goto(link.url);
    await expectNotConnected(page);
    expect(await mainText(page)).toContain(other);
    expect(await page.getByRole('main').getByRole('button', { name: 'Connect', exact: true }).count()).toBe(
      0,
    );
  });

  test('is used up by a finished consent, and works until then', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const link = await linkFor(world, api, user);
    await page.goto(link.url);
    await leaveToConnect(page);
    await page.goto(link.url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await page.goto(link.url);
    await expectNotConnected(page);
  });

  test('is refused when its time is over', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const link = await linkFor(world, api, user);
    await world.services.db.query(
      "UPDATE mcp_connect_session SET expires_at = now() - interval '1 second' WHERE user_id = $1",
      [user],
    );
    await page.goto(link.url);
    await expectNotConnected(page);
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'expired' });
  });

  test('is refused when somebody made it up, or changed its server', async ({ world, api, page }) => {
    const { url } = await linkFor(world, api, world.users.newUser());
    await page.goto(`${url.slice(0, -4)}AAAA`);
    await expectNotConnected(page);

    await world.register('other', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
    await page.goto(url.replace(`/connect/${world.mcpServerId}`, '/connect/other'));
    await expectNotConnected(page);
  });
});

describe('an answer of the authorization server', () => {
  test('counts once', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const callbacks: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/oauth/callback')) callbacks.push(request.url());
    });
    await page.goto((await linkFor(world, api, user)).url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();

    const [connection] = (await connectionsOf(api, user)) as unknown[];
    await page.goto(callbacks[0] ?? '');
    expect(await headingOf(page)).toMatch(/^Connected/);
    expect(await connectionsOf(api, user)).toEqual([connection]);
  });

  test('is refused in another browser, and connects no user', async ({ world, api, newContext }) => {
    const user = world.users.newUser();
    const page = await (await newContext()).newPage();
    const callback = await holdCallback(page);
    await page.goto((await linkFor(world, api, user)).url);
    await leaveToConnect(page);
    await allowAs(page, 'mallory@example.com');

    const victim = await (await newContext()).newPage();
    await signIn(victim, api, world.users.newUser());
    await victim.goto(await callback());
    await expectNotConnected(victim);
    expect(await connectionsOf(api, user)).toEqual([]);
  });

  test('is refused with another state, code or issuer', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const callback = await holdCallback(page);
    const link = await linkFor(world, api, user);
    await page.goto(link.url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    const url = new URL(await callback());

    const forged = new URL(url);
    forged.searchParams.set('state', 'A'.repeat(43));
    await page.goto(forged.href);
    await expectNotConnected(page);

    const mixedUp = new URL(url);
    mixedUp.searchParams.set('iss', 'https://evil.example');
    mixedUp.searchParams.set('error_description', 'Call this number');
    await page.goto(mixedUp.href);
    await expectNotConnected(page);
    expect(await mainText(page)).not.toContain('Call this number');
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'failed', code: 'issuer-mismatch' });

    await page.goto(url.href);
    await expectNotConnected(page);
    expect(await connectionsOf(api, user)).toEqual([]);
  });
});

describe('a page of somebody else', () => {
  test('can not press Connect for a signed-in user', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await signIn(page, api, user);
    const action = `${api.url}/connect/${world.mcpServerId}`;
    const evil = await serveHttp((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<form method="post" action="${action}"><button>Win</button></form>`);
    });
    onTestFinished(evil.close);
    await page.goto(evil.url);
    const [response] = await Promise.all([
      page.waitForResponse(action),
      page.getByRole('button', { name: 'Win' }).click(),
    ]);
    expect(response.status()).toBe(403);
    expect(await page.getByLabel('Account').count()).toBe(0);
  });

  test('can not show the connect page in a frame', async ({ world, api, page }) => {
    const { url } = await linkFor(world, api, world.users.newUser());
    const response = await page.goto(url);
    expect(response?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
  });
});
