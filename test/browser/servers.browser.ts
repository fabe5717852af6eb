import { describe, expect } from 'vitest';
import { startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { testInBrowser } from './fixtures.ts';
import { headingOf, mainText, signInAsAdmin } from './people.ts';

const test = testInBrowser();

describe('an admin', () => {
  test('adds a server by its URL, pauses, resumes and removes it', async ({ world, api, page }) => {
    const open = await startMcpServer({ auth: { type: 'none' } });
    try {
      await signInAsAdmin(page, world, api);
      await page.goto(`${api.url}/connections`);
      await page.getByRole('link', { name: 'Servers', exact: true }).click();
      await page.getByRole('link', { name: 'Add a server' }).click();
      await page.getByLabel('Address of the MCP server').fill(open.url);
      await page.getByRole('button', { name: 'Check' }).click();

      await page.getByText('It answers, and needs no connection.').waitFor();
      const found = await mainText(page);
      expect(found).toMatch(/MCP \d{4}-\d\d-\d\d/);
      expect(found).toContain('latchkey-demo 1.0.0');
      expect(await page.getByLabel('None', { exact: true }).isChecked()).toBe(true);
      // What another way of authorization needs is not asked for.
      expect(await page.getByLabel('Client id').isVisible()).toBe(false);
      await page.getByLabel('Id', { exact: true }).fill(world.mcpServerId);
      await page.getByRole('button', { name: 'Add server' }).click();
      await page.getByText('This is the id of another server already.').waitFor();
      await page.getByLabel('Id', { exact: true }).fill('open notes/ü');
      await page.getByLabel('Name').fill('Open notes');
      await page.getByRole('button', { name: 'Add server' }).click();

      await page.getByRole('heading', { name: 'Open notes', level: 1 }).waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('heading', { name: 'This server is paused' }).waitFor();
      const waiting = await world.steps.start(world.users.newUser(), { mcpServerId: 'open notes/ü' });
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      await expect(world.steps.result(waiting)).resolves.toMatchObject({ status: 'success' });

      await page.getByRole('link', { name: 'Remove' }).click();
      expect(await headingOf(page)).toBe('Remove Open notes?');
      await page.getByRole('link', { name: 'Keep it' }).click();
      await page.getByRole('link', { name: 'Remove' }).click();
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('heading', { name: 'Servers', level: 1 }).waitFor();
      expect(await page.locator('[data-server-id]').count()).toBe(1);
    } finally {
      await open.stop();
    }
  });

  test('sees what OAuth needs, without JavaScript', async ({ world, api, newContext }) => {
    const page = await (await newContext({ javaScriptEnabled: false })).newPage();
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
    await page.getByLabel('Address of the MCP server').fill(world.mcpServer.url);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('It answers, and users can connect it.').waitFor();
    expect(await mainText(page)).toContain(world.authorizationServer.issuer);
    expect(await page.getByLabel('OAuth: each user connects an account').isChecked()).toBe(true);
    await page.getByLabel('One token for all users').check();
    expect(await page.getByLabel('Token', { exact: false }).first().isVisible()).toBe(true);
    expect(await page.getByLabel('Client id').isVisible()).toBe(false);
  });

  test('is told what is wrong with an address', async ({ world, api, page }) => {
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/servers/new`);
    await page.getByLabel('Address of the MCP server').fill(`${api.url}/health`);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('it does not speak MCP').waitFor();
  });
});
