import { describe, expect } from 'vitest';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { headingOf, mainText, signIn, signInAsAdmin } from './people.ts';

const test = testInBrowser();

describe('an admin', () => {
  test('sees the steps of all users, without what they are called with', async ({ world, api, page }) => {
    const [ada, bob] = [world.users.newUser(), world.users.newUser()];
    const waiting = { arguments: { customer: 'secret customer', amount: 1 }, title: 'Secret title' };
    await world.steps.start(ada, { ...waiting, stepId: 'of-ada' });
    await world.steps.start(bob, { ...waiting, stepId: 'of-bob' });
    await world.steps.until(bob, 'of-bob', 'awaiting-input');
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/connections`);
    await page.getByRole('navigation').getByRole('link', { name: 'Operations' }).click();
    expect(await headingOf(page)).toBe('Steps of all users');

    await page.getByLabel('User', { exact: true }).fill(bob);
    await page.getByLabel('Reason', { exact: true }).selectOption('needs-oauth-reauth');
    await page.getByRole('button', { name: 'Show' }).click();
    // Visibility lags.
    await expect
      .poll(async () => {
        await page.reload();
        return page.locator('[data-step-id="of-bob"]').count();
      })
      .toBe(1);
    expect(await page.locator('[data-step-id]').count()).toBe(1);
    expect(await page.getByLabel('User', { exact: true }).inputValue()).toBe(bob);
    expect(await mainText(page)).not.toMatch(/secret/i);
    expect(await violationsOn(page)).toEqual([]);

    await page.getByLabel('Status', { exact: true }).selectOption('success');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await mainText(page)).toContain('Nothing matches');
    expect(await violationsOn(page)).toEqual([]);
  });

  test('sees the connections of all users, and which have to connect again', async ({ world, api, page }) => {
    const users = [world.users.newUser(), world.users.newUser()];
    for (const user of users) await world.users.connect(user);
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/operations/connections`);
    expect(await headingOf(page)).toBe('Connections of all users');
    for (const user of users) expect(await mainText(page)).toContain(user);
    expect(await violationsOn(page)).toEqual([]);
    await page.getByLabel('Status', { exact: true }).selectOption('reauth-required');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await mainText(page)).toContain('Nothing matches');
  });

  test('reads the audit log page by page', async ({ world, api, page }) => {
    await world.services.db.query(
      "INSERT INTO mcp_audit_event (action, user_id) SELECT 'connected', 'paged-' || n FROM generate_series(1, 60) n",
    );
    await signInAsAdmin(page, world, api);
    await page.goto(`${api.url}/operations/audit`);
    expect(await headingOf(page)).toBe('Audit log');
    expect(await mainText(page)).toContain('paged-60');
    expect(await mainText(page)).not.toContain('paged-1 ');
    expect(await violationsOn(page)).toEqual([]);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: 'Back to the first page' }).waitFor();
    expect(await mainText(page)).toContain('paged-2');
    await page.getByLabel('Done to user').fill('paged-7');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.locator('[id^=entry-]').count()).toBe(1);
  });
});

test('other users see none of it', async ({ world, api, page }) => {
  await signIn(page, api, world.users.newUser());
  expect(await page.getByRole('link', { name: 'Operations' }).count()).toBe(0);
  for (const list of ['steps', 'connections', 'audit']) {
    const answer = await page.goto(`${api.url}/operations/${list}`);
    expect(answer?.status()).toBe(403);
  }
});
