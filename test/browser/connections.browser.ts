import { describe, expect } from 'vitest';
import { testInBrowser } from './fixtures.ts';
import { allowAs, headingOf, leaveToConnect, mainText, signIn } from './people.ts';

// With these scopes, the authorization server says whose account it is.
const test = testInBrowser({ initialScope: 'openid email mcp:tools' });

describe('the page of connections', () => {
  test('adds a second account, and disconnects the first', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await signIn(page, api, user);
    const card = page.locator(`[data-server-id="${world.mcpServerId}"]`);
    await card.getByRole('link', { name: 'Connect', exact: true }).click();
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Go to your connections' }).click();

    await card.getByText('Add an account').click();
    await card.getByLabel('Name of the account').fill('work');
    await card.getByRole('button', { name: 'Continue' }).click();
    expect(await mainText(page)).toContain('work');
    await leaveToConnect(page);
    await allowAs(page, 'ada@work.example');
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();

    await page.getByRole('link', { name: 'Go to your connections' }).click();
    const accounts = card.locator('[data-connection-status="connected"]');
    await accounts.nth(1).waitFor();
    expect(await accounts.getByRole('strong').or(accounts.locator('strong')).allTextContents()).toEqual([
      'ada@example.com',
      'ada@work.example (work)',
    ]);
    await card.locator('[data-account="default"]').getByRole('button', { name: 'Disconnect' }).click();
    expect(await headingOf(page)).toMatch(/^Disconnect/);
    await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'Connections', level: 1 }).waitFor();
    await card.locator('[data-account="work"]').waitFor();
    expect(await card.locator('[data-account]').count()).toBe(1);
  });

  test('shows by itself that a connection has ended, and a name that is being typed stays', async ({
    world,
    api,
    page,
  }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await signIn(page, api, user);
    const card = page.locator(`[data-server-id="${world.mcpServerId}"]`);
    await card.locator('[data-connection-status="connected"]').waitFor();
    await card.getByText('Add an account').click();
    await card.getByLabel('Name of the account').fill('wor');

    world.authorizationServer.control.revokeGrants(user);
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    await card.locator('[data-connection-status="reauth-required"]').waitFor();
    await card.getByRole('link', { name: '1 step waits for it' }).waitFor();
    expect(await card.getByLabel('Name of the account').inputValue()).toBe('wor');
  });
});
