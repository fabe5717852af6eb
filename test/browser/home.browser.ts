import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import type { World } from '../support/world.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { allowAs, headingOf, leaveToConnect, mainText, signIn } from './people.ts';

const test = testInBrowser();

const rowsOf = (page: Page) => page.locator('li[data-step-id]');
const cardsOf = (page: Page) => page.locator('li.card');

/** An open page looks again every 30 s. Its first look after a change may come before Temporal lists it. */
const LATE = { timeout: 45_000 };
const LONG = { timeout: 150_000 };

/** Loads the page until it lists these steps: Temporal's lists lag behind. */
async function untilListed(page: Page, stepIds: readonly string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      await page.reload();
      const ids = await rowsOf(page).evaluateAll((rows) =>
        rows.map((row) => row.getAttribute('data-step-id')),
      );
      expect(ids.sort()).toEqual([...stepIds].sort());
    },
    { timeout: 30_000 },
  );
}

async function startPaused(world: World, user: string, step: object = {}): Promise<string> {
  const { stepId } = await world.steps.start(user, step);
  await world.steps.until(user, stepId, 'awaiting-input');
  return stepId;
}

const asking = { mode: 'automated-with-confirmation' } as const;

describe('the home page', () => {
  test('shows two users in two browsers only what is theirs', async ({ world, api, newContext }) => {
    const users = [world.users.newUser(), world.users.newUser()] as const;
    const steps = [
      await startPaused(world, users[0], { ...asking, title: 'Of the first' }),
      await startPaused(world, users[1], { ...asking, title: 'Of the second' }),
    ] as const;
    for (const [index, user] of users.entries()) {
      const page = await (await newContext()).newPage();
      await signIn(page, api, user, '/');
      await untilListed(page, [steps[index] ?? '']);
      expect(await headingOf(page)).toBe('Home');
      expect(await cardsOf(page).count()).toBe(1);
      const text = await mainText(page);
      expect(text).toContain(index === 0 ? 'Of the first' : 'Of the second');
      expect(text).not.toContain(index === 0 ? 'Of the second' : 'Of the first');
      await page.getByRole('link', { name: 'Review' }).click();
      expect(new URL(page.url()).pathname).toBe(`/step/${steps[index]}`);
    }
  });

  test(
    'leads from a waiting step to the connection that it needs, and then asks no more',
    LONG,
    async ({ world, api, page }) => {
      const user = world.users.newUser();
      const stepId = await startPaused(world, user);
      await signIn(page, api, user, '/');
      await untilListed(page, [stepId]);
      await page.getByRole('link', { name: 'Connect', exact: true }).click();
      await leaveToConnect(page);
      await allowAs(page, 'ada@example.com');
      await page.getByRole('heading', { name: /^Connected/, level: 1 }).waitFor();
      await world.steps.until(user, stepId, 'success');

      await page.goto(`${api.url}/`);
      await untilListed(page, [stepId]);
      await page.locator('[data-step-id] [data-status="success"]').waitFor();
      expect(await cardsOf(page).count()).toBe(0);

      // The open page follows by itself.
      const next = await startPaused(world, user, { ...asking, title: 'The next one' });
      await page.locator(`[data-step-id="${next}"] [data-status="awaiting-input"]`).waitFor(LATE);
      await cardsOf(page)
        .filter({ hasText: 'The next one' })
        .getByRole('link', { name: 'Review' })
        .waitFor(LATE);
    },
  );

  test('narrows the list by status and server, without JavaScript', async ({ world, api, newContext }) => {
    const page = await (await newContext({ javaScriptEnabled: false })).newPage();
    const user = world.users.newUser();
    await world.users.connect(user);
    await world.register('notes', { url: world.mcpServer.url, auth: { type: 'oauth2' }, title: 'Notes' });
    const waiting = await startPaused(world, user, { mcpServerId: 'notes' });
    const done = (await world.steps.start(user)).stepId;
    const skipped = await startPaused(world, user, asking);
    await world.steps.reject(user, skipped);
    await world.steps.until(user, done, 'success');
    await signIn(page, api, user, '/');
    await untilListed(page, [waiting, done, skipped]);

    await page.getByRole('link', { name: 'Rejected' }).click();
    await untilListed(page, [skipped]);
    expect(await page.getByRole('link', { name: 'Rejected' }).getAttribute('aria-current')).toBe('true');
    await page.getByLabel('Server').selectOption('Notes');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('No step matches').waitFor();
    await page.getByRole('link', { name: 'All', exact: true }).click();
    await untilListed(page, [waiting]);
    await page.getByRole('link', { name: 'Show it' }).click();
    await untilListed(page, [waiting, done, skipped]);
  });

  test('turns the pages of a long list, on a narrow screen', LONG, async ({ world, api, page }) => {
    const user = world.users.newUser();
    const title = `فاتورة 👩‍👩‍👧‍👦 <b>${'x'.repeat(220)}`;
    const started = Array.from({ length: 30 }, (_, n) => world.steps.start(user, { title, stepId: `s${n}` }));
    await Promise.all(started);
    // An older page begins where the page before it ended, so all steps have to be listed before the first is loaded.
    await expect
      .poll(async () => (await world.steps.list(user, { limit: 100, status: 'awaiting-input' })).steps, LATE)
      .toHaveLength(30);
    await page.setViewportSize({ width: 360, height: 640 });
    await signIn(page, api, user, '/?status=awaiting-input');
    await vi.waitFor(
      async () => {
        await page.reload();
        expect(await rowsOf(page).count()).toBe(25);
        expect(await page.getByRole('link', { name: 'Older steps' }).count()).toBe(1);
      },
      { timeout: 30_000 },
    );
    await page.getByRole('link', { name: 'Older steps' }).click();
    await vi.waitFor(
      async () => {
        await page.reload();
        expect(await rowsOf(page).count()).toBe(5);
      },
      { timeout: 30_000 },
    );
    expect(await violationsOn(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.getByRole('link', { name: 'Back to the newest' }).click();
    await page.getByRole('link', { name: 'Older steps' }).waitFor();
    expect(await rowsOf(page).count()).toBe(25);
  });
});
