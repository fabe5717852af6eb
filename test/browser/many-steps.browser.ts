import type { Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { mainText, signIn } from './people.ts';

// The steps stay as they are: what the page costs is about their number.
const test = testInBrowser({ withoutWorker: true });

const STEPS = 1_000;
const PAGE = 25;
const KIB = 1_024;

test('home stays usable with a thousand steps', { timeout: 300_000 }, async ({ world, api, page }) => {
  const user = world.users.newUser();
  await world.register('notes', { url: world.mcpServer.url, auth: { type: 'none' }, title: 'Notes' });
  const titles = Array.from({ length: STEPS }, (_, index) => `Invoice number ${index} for October`);
  await mapConcurrently(titles, (title, index) =>
    world.steps.start(user, { title, ...(index < 30 && { mcpServerId: 'notes' }) }),
  );
  await signIn(page, api, user, '/');
  const rows = page.locator('li[data-step-id]');
  const older = page.getByRole('link', { name: 'Older steps' });
  // Temporal's lists lag behind.
  await vi.waitFor(
    async () => {
      await page.goto(`${api.url}/?server=notes`);
      expect(await rows.count()).toBe(PAGE);
      await older.click();
      await page.getByRole('link', { name: 'Back to the newest' }).waitFor();
      expect(await rows.count()).toBe(5);
    },
    { timeout: 90_000, interval: 500 },
  );

  await page.goto(`${api.url}/`);
  await untilListed(page, rows);
  expect((await page.content()).length).toBeLessThan(60 * KIB);
  const first = await rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-step-id')));
  await older.click();
  await page.getByRole('link', { name: 'Back to the newest' }).waitFor();
  const second = await rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-step-id')));
  expect(new Set([...first, ...second]).size).toBe(50);

  await page.getByRole('link', { name: 'Running' }).click();
  await page.locator('.tabs [aria-current]', { hasText: 'Running' }).waitFor();
  await untilListed(page, rows);
  await page.getByLabel('Server').selectOption('Notes');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL(/server=notes/);
  await untilListed(page, rows);
  expect(await mainText(page)).not.toContain('Invoice number 500 ');
  await page.getByRole('link', { name: 'Failed' }).click();
  await page.getByText('No step matches').waitFor();
  expect(await violationsOn(page)).toEqual([]);
});

/** Home is shown without its list when Temporal needs more than 2 s for it. */
async function untilListed(page: Page, rows: Locator): Promise<void> {
  if ((await rows.count()) === PAGE) return;
  await vi.waitFor(
    async () => {
      await page.reload();
      expect(await rows.count()).toBe(PAGE);
    },
    { timeout: 60_000 },
  );
}
