import type { Page, Response } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { testInBrowser } from './fixtures.ts';
import { signIn } from './people.ts';

const test = testInBrowser();

const KIB = 1_024;
const asking = { mode: 'automated-with-confirmation' } as const;

/** What a page loads from now on, without its stream of events. */
function record(page: Page) {
  const answers: Response[] = [];
  page.on('response', (response) => void answers.push(response));
  return {
    pages: () => answers.filter((response) => isPage(response)).length,
    async bytes() {
      const sizes = answers
        .filter((response) => !response.url().includes('/events'))
        .map((response) => response.request().sizes());
      return (await Promise.all(sizes)).reduce(
        (sum, { responseBodySize, responseHeadersSize }) => sum + responseBodySize + responseHeadersSize,
        0,
      );
    },
  };
}

function isPage(response: Response): boolean {
  return response.headers()['content-type']?.startsWith('text/html') === true;
}

describe('the first page of a new browser', () => {
  test('transfers less than 60 KiB with everything, and is fetched once more for its time zone alone', {
    timeout: 120_000,
  }, async ({ world, api, page }) => {
    const user = world.users.newUser();
    const steps = Array.from({ length: 25 }, (_, index) =>
      world.steps.start(user, { ...asking, title: `Invoice number ${index} for October` }),
    );
    const started = await Promise.all(steps);
    await Promise.all(started.map(({ stepId }) => world.steps.until(user, stepId, 'awaiting-input')));
    // Nothing is kept from the sign-in: neither the script and the stylesheet nor the time zone.
    const context = page.context();
    await context.route('**/assets/**', (route) => route.abort());
    await signIn(page, api, user);
    await context.unroute('**/assets/**');

    await expect
      .poll(async () => (await world.steps.list(user, { limit: 100, status: 'awaiting-input' })).steps)
      .toHaveLength(25);
    const loaded = record(page);
    const streamed = page.waitForRequest(/\/events\?after=\d+$/);
    await page.goto(`${api.url}/`);
    await streamed;
    await vi.waitFor(() => expect(loaded.pages()).toBe(2), { timeout: 20_000 });
    expect(await page.locator('li[data-step-id]').count()).toBe(25);
    expect(await loaded.bytes()).toBeLessThan(60 * KIB);

    // A change is the next reason to fetch the page. What was fetched before it had another reason.
    const before = loaded.pages();
    const next = await world.steps.start(user, { ...asking, title: 'One more' });
    // An open page looks again every 30 s. Its first look after the change may come before Temporal lists it.
    await page.locator(`[data-step-id="${next.stepId}"]`).waitFor({ timeout: 45_000 });
    expect(before).toBe(2);
  });
});
