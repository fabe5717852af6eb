import { expect, onTestFinished } from 'vitest';
import { startTestApi } from '../support/api.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { allowAs, headingOf, leaveToConnect, mainText, signIn } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

test('the home of a new user says how to begin, and leads there', async ({ world, page }) => {
  // Not as in development, where home leads to the form at once.
  const api = await startTestApi(world, false);
  onTestFinished(api.stop);
  await signIn(page, api, world.users.newUser(), '/');
  expect(await headingOf(page)).toBe('Home');
  expect(await mainText(page)).toContain('Connect a server first');
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 720 });
    expect(await violationsOn(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  }
  await page.getByRole('link', { name: 'Connect ledger' }).click();
  await leaveToConnect(page);
  await allowAs(page, 'ada@example.com');
  await page.getByRole('link', { name: 'Go to the home page' }).click();
  await page.getByText('No step yet').waitFor();
  await page.getByRole('main').getByRole('link', { name: 'Start a step' }).click();
  await page.getByRole('heading', { name: 'Choose a server' }).waitFor();
});
