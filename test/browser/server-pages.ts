import type { Page } from 'playwright-core';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import { signIn, signInAsAdmin } from './people.ts';

interface Scene {
  world: World;
  api: TestApi;
  page: Page;
  user: string;
}

/** The pages of admins, by their names, and the way there. */
export const SERVER_PAGES: Record<string, (scene: Scene) => Promise<unknown>> = {
  'servers-forbidden': async ({ api, page, user }) => signIn(page, api, user, '/servers'),
  servers: async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers`);
  },
  ...Object.fromEntries(
    ['steps', 'connections', 'audit'].map((list) => [
      `operations-${list}`,
      async ({ world, api, page, user }: Scene) => {
        await world.users.connect(user);
        await world.steps.start(user);
        await signInAsAdmin(page, world, api);
        await page.goto(`${api.url}/operations/${list}`);
      },
    ]),
  ),
  'servers-new': async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
  },
  'servers-checked': async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
    await page.getByLabel('Address of the MCP server').fill(world.mcpServer.url);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByRole('heading', { name: 'What was found' }).waitFor();
  },
  'servers-refused': async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
    await page.getByLabel('Address of the MCP server').fill('http://127.0.0.1:9/mcp?key=secret');
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('Add it all the same').click();
    await page.getByLabel('Client secret').fill('secret');
    await page.getByLabel('Query of the URL').fill('key=secret');
    await page.getByRole('button', { name: 'Add server' }).click();
    await page.getByText('The server was not added').waitFor();
  },
  'servers-check-failed': async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
    await page.getByLabel('Address of the MCP server').fill('http://127.0.0.1:9/mcp');
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('The server can’t be reached').waitFor();
    // The page begins with what was found.
    await page.locator('#check:focus').waitFor();
  },
  'server-paused': async ({ world, api, page }) => {
    await world.register('paused', { url: world.mcpServer.url, auth: { type: 'none' }, title: 'Paused' });
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/paused`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('#done:focus').waitFor();
  },
  server: async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/${world.mcpServerId}`);
  },
  'server-remove': async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/${world.mcpServerId}/remove`);
  },
};
