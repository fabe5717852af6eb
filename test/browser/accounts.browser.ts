import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import { testInBrowser } from './fixtures.ts';
import { allowAs, connectLink, headingOf, leaveToConnect, signIn } from './people.ts';

// With these scopes, the authorization server says whose account it is.
const test = testInBrowser({ initialScope: 'openid email mcp:tools' });

async function connect(
  { world, api, page }: { world: World; api: TestApi; page: Page },
  user: string,
  { account, as }: { account?: string; as: string },
): Promise<void> {
  const link = await connectLink(api, user, { mcpServerId: world.mcpServerId, ...(account && { account }) });
  await page.goto(link.url);
  await leaveToConnect(page);
  await allowAs(page, as);
  await page.getByRole('heading', { level: 1, name: /^(Connected|This is another account)/ }).waitFor();
}

/** The label of each connected account. */
async function labels(api: TestApi, user: string): Promise<Record<string, string>> {
  const { body } = await api.ask(user, 'GET /mcp-oauth-credentials');
  const { connections } = body as { connections: { account: string; label?: string }[] };
  return Object.fromEntries(connections.map(({ account, label }) => [account, label ?? '']));
}

describe('a user with two accounts at one server', () => {
  test('acts as each of them, and can disconnect one', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await connect({ world, api, page }, user, { as: 'ada@example.com' });
    await connect({ world, api, page }, user, { account: 'work', as: 'ada@work.example' });
    expect(await labels(api, user)).toEqual({ default: 'ada@example.com', work: 'ada@work.example' });

    const { stepId } = await world.steps.start(user, { account: 'work' });
    await world.steps.until(user, stepId, 'success');
    expect(world.mcpServer.calls({ user: 'ada@work.example' })).toHaveLength(1);

    await signIn(page, api, user);
    await page.locator('[data-account="work"]').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    expect(await labels(api, user)).toEqual({ default: 'ada@example.com' });
  });

  test('is asked when another account answers, and keeps it under another name', async ({
    world,
    api,
    page,
  }) => {
    const user = world.users.newUser();
    await connect({ world, api, page }, user, { as: 'ada@example.com' });
    await connect({ world, api, page }, user, { as: 'bob@example.com' });
    expect(await headingOf(page)).toBe('This is another account');
    expect(await labels(api, user)).toEqual({ default: 'ada@example.com' });

    await page.getByLabel('Name of the new account').fill('second');
    await page.getByRole('button', { name: 'Keep as another account' }).click();
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    expect(await labels(api, user)).toEqual({ default: 'ada@example.com', second: 'bob@example.com' });
  });

  test('is asked when another account answers, and replaces the first', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await connect({ world, api, page }, user, { as: 'ada@example.com' });
    await connect({ world, api, page }, user, { as: 'bob@example.com' });
    await page.getByRole('button', { name: 'Replace it' }).click();
    await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
    expect(await labels(api, user)).toEqual({ default: 'bob@example.com' });
  });
});
