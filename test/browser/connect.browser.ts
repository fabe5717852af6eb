import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { testInBrowser } from './fixtures.ts';
import { allowAs, connectLink, headingOf, leaveToConnect, mainText, sessionOf, signIn } from './people.ts';

const test = testInBrowser();

describe('a user who connects a server', () => {
  test('gets from the sign-in to a finished step', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');

    await page.goto(`${api.url}/`);
    await page.getByLabel('User id').fill(user);
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await headingOf(page)).toBe('Home');
    await page.getByRole('link', { name: 'Connect', exact: true }).click();

    const main = await mainText(page);
    expect(main).toContain(new URL(world.mcpServer.url).host);
    expect(main).toContain(user);
    expect(main).toContain('1 paused step');
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');

    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await page.locator(`[data-step-id="${stepId}"]`).waitFor();
    expect(await world.steps.until(user, stepId, 'success', 'error')).toMatchObject({ status: 'success' });
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.locator('[data-connection-status="connected"]').waitFor();
  });

  test("gets from a paused step's link through the sign-in to the page that connects", async ({
    world,
    api,
    page,
  }) => {
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { account: 'work' });
    const { connectUrl = '' } = await world.steps.until(user, stepId, 'awaiting-input');
    await page.goto(connectUrl);
    await page.getByLabel('User id').fill(user);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await leaveToConnect(page);
    await allowAs(page, 'ada@work.example');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await world.steps.until(user, stepId, 'success');
    const { body } = await api.ask(user, 'GET /mcp-oauth-credentials');
    expect(body).toMatchObject({ connections: [{ account: 'work', status: 'connected' }] });
  });

  test('is connected only when the host has confirmed it, if the host wants that', async ({
    world,
    api,
    page,
  }) => {
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    const link = await connectLink(api, user, { mcpServerId: world.mcpServerId, confirm: 'host' });
    await page.goto(link.url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.waitForURL(/\/outcome$/);
    expect(await headingOf(page)).not.toMatch(/^Connected/);
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'awaiting-confirmation' });
    expect((await world.steps.get(user, stepId))?.status).toBe('awaiting-input');

    const confirmed = await api.ask(user, `POST /connect-sessions/${link.connectSessionId}/confirm`);
    expect(confirmed).toMatchObject({ status: 200, body: { status: 'connected' } });
    await world.steps.until(user, stepId, 'success');
    await page.reload();
    expect(await headingOf(page)).toMatch(/^Connected/);
  });

  test('can try again after a refusal', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const link = await connectLink(api, user, { mcpServerId: world.mcpServerId });
    await page.goto(link.url);
    await leaveToConnect(page);
    await page.getByRole('button', { name: 'Deny' }).click();

    await page.getByRole('heading', { name: /^Not connected/, level: 1 }).waitFor();
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'denied', code: 'access-denied' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await allowAs(page, 'ada@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'connected' });
  });

  test('needs no sign-in with a link of the host, and no JavaScript', async ({ world, api, newContext }) => {
    const page = await (await newContext({ javaScriptEnabled: false })).newPage();
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { account: 'work' });
    await world.steps.until(user, stepId, 'awaiting-input');
    const link = await connectLink(api, user, { mcpServerId: world.mcpServerId, account: 'work' });
    await page.goto(link.url);
    expect(await mainText(page)).toContain('work');
    await leaveToConnect(page);
    await allowAs(page, 'ada@work.example');

    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await page.locator(`[data-step-id="${stepId}"]`).waitFor();
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'connected' });
    await world.steps.until(user, stepId, 'success');
  });

  test('changes nothing by opening the link', async ({ world, api, page }) => {
    const user = world.users.newUser();
    const { authorizationServer } = world;
    const link = await connectLink(api, user, { mcpServerId: world.mcpServerId });
    const before = [authorizationServer.stats.requests('registration'), world.mcpServer.requests().length];
    await page.goto(link.url);
    await page.goto(link.url);

    const after = [authorizationServer.stats.requests('registration'), world.mcpServer.requests().length];
    expect(after).toEqual(before);
    expect(await sessionOf(api, user, link)).toMatchObject({ status: 'open' });
  });

  test('returns to the host with the outcome', async ({ world, api, page }) => {
    const user = world.users.newUser();
    // An address that needs no page of a host: the origin of PUBLIC_URL may always be returned to.
    const returnTo = `${api.url}/health?from=${randomUUID()}`;
    const link = await connectLink(api, user, { mcpServerId: world.mcpServerId, returnTo });
    await page.goto(link.url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.waitForURL(/\/health/);

    const { searchParams, href } = new URL(page.url());
    expect(href.startsWith(returnTo)).toBe(true);
    expect(searchParams.get('connectSessionId')).toBe(link.connectSessionId);
    expect(searchParams.get('status')).toBe('connected');
    expect(searchParams.has('code')).toBe(false);
  });

  test('is told when the authorization server gives no refresh token', async ({ world, api, page }) => {
    const user = world.users.newUser();
    world.authorizationServer.control.setRefreshTokens(false);
    try {
      const link = await connectLink(api, user, { mcpServerId: world.mcpServerId });
      await page.goto(link.url);
      await leaveToConnect(page);
      await allowAs(page, 'ada@example.com');
      await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
      await page.getByText('for a limited time only').waitFor();
    } finally {
      world.authorizationServer.control.setRefreshTokens(true);
    }
  });

  test('can disconnect, and asked again, keep the connection', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    expect(await headingOf(page)).toMatch(/^Disconnect/);
    await page.getByRole('link', { name: 'Keep it' }).click();
    await page.locator('[data-connection-status="connected"]').waitFor();

    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('main').getByRole('link', { name: 'Connect', exact: true }).waitFor();
    const { body } = await api.ask(user, 'GET /mcp-oauth-credentials');
    expect(body).toEqual({ connections: [] });
  });
});

describe('ten steps that wait for one consent', () => {
  const COUNT = 10;
  const tenSteps = test.extend('ten', async ({ world }) => {
    const user = world.users.newUser();
    // The calls are held, so that the steps finish when the test lets them.
    const hold = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { times: COUNT });
    const steps = await Promise.all(
      Array.from({ length: COUNT }, (_, index) => world.steps.start(user, { title: `Invoice ${index + 1}` })),
    );
    await Promise.all(steps.map(({ stepId }) => world.steps.until(user, stepId, 'awaiting-input')));
    return { user, hold, steps };
  });

  /** Waits until the open page shows so many steps with this status, without being opened again. */
  const shows = (page: Page, status: string, count: number) =>
    page
      .locator(`main [data-step-id] [data-status="${status}"]`)
      .nth(count - 1)
      .waitFor();

  tenSteps('are seen finishing by the signed-in user', async ({ world, api, page, ten }) => {
    await signIn(page, api, ten.user);
    await page.getByRole('main').getByRole('link', { name: 'Connect', exact: true }).click();
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await shows(page, 'running', COUNT);
    expect(await page.locator('#progress').textContent()).toBe('0 of 10 have finished');
    // Set here, it is still there at the end only if the page was never opened again.
    await page.evaluate('window.isSamePage = true');

    ten.hold.release();
    await shows(page, 'success', COUNT);
    expect(await page.locator('#progress').textContent()).toBe('10 of 10 have finished');
    expect(await page.evaluate('window.isSamePage')).toBe(true);
    await page.getByRole('link', { name: 'Invoice 3', exact: true }).click();
    await page.getByRole('heading', { name: 'Invoice 3', level: 1 }).waitFor();
    expect(world.mcpServer.calls({ user: 'ada@example.com' }).length).toBeGreaterThanOrEqual(COUNT);
  });

  tenSteps('are seen finishing in a browser that is not signed in', async ({ world, api, page, ten }) => {
    const link = await connectLink(api, ten.user, { mcpServerId: world.mcpServerId });
    await page.goto(link.url);
    await leaveToConnect(page);
    await allowAs(page, 'bob@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await shows(page, 'running', COUNT);
    await page.evaluate('window.isSamePage = true');
    const openSeconds = async () => {
      const fetched = await page.waitForRequest((request) => 'latchkey-refresh' in request.headers());
      return Number(fetched.headers()['latchkey-refresh']);
    };
    const first = await openSeconds();
    expect(await openSeconds()).toBeGreaterThan(first);

    ten.hold.release();
    await shows(page, 'success', COUNT);
    expect(await page.locator('#progress').textContent()).toBe('10 of 10 have finished');
    expect(await page.evaluate('window.isSamePage')).toBe(true);
    // Nothing changes any more, so the page is not fetched any more either.
    expect(await page.locator('main[data-refresh-seconds]').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Refresh' }).count()).toBe(0);
  });
});
