import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { testInBrowser } from './fixtures.ts';
import { headingOf, mainText, signIn } from './people.ts';

const test = testInBrowser();

/** The id of the step whose page the browser is on. */
async function stepIdOf(page: Page): Promise<string> {
  await page.waitForURL(/\/step\/[^/]+$/);
  return decodeURIComponent(new URL(page.url()).pathname.split('/').at(-1) ?? '');
}

async function openForm(page: Page, tool: string): Promise<void> {
  await page.getByRole('link', { name: 'Start a step' }).click();
  await page
    .getByRole('main')
    .getByRole('link', { name: /^Choose a tool/ })
    .click();
  await page.getByRole('link', { name: tool, exact: true }).click();
  await page.getByRole('button', { name: 'Start step' }).waitFor();
}

describe('a person', () => {
  test.for([true, false])(
    'starts a step, with scripts: %s',
    async (javaScriptEnabled, { world, api, newContext }) => {
      const user = world.users.newUser();
      await world.users.connect(user);
      const context = await newContext({ javaScriptEnabled, viewport: { width: 360, height: 640 } });
      const page = await context.newPage();
      await signIn(page, api, user);
      await openForm(page, 'Create invoice');
      expect(await headingOf(page)).toBe('Create invoice');

      await page.getByLabel('customer').fill('Ada & <Sons>');
      await page.getByLabel('amount').fill('-5');
      await page.getByLabel('Title').fill('The first invoice');
      await page.getByLabel('Asks before it calls').check();
      await page.getByRole('button', { name: 'Start step' }).click();
      await page.getByText('The arguments need a change.').waitFor();
      const amount = page.getByRole('textbox', { name: 'amount' });
      expect(await amount.getAttribute('aria-invalid')).toBe('true');
      expect(await mainText(page)).toContain('Must be more than 0.');
      await page.getByRole('alert').getByRole('link', { name: 'amount' }).click();
      expect(new URL(page.url()).hash).toBe('#arg.amount');

      await amount.fill('12.50');
      await page.getByRole('button', { name: 'Start step' }).click();
      const stepId = await stepIdOf(page);
      await world.steps.until(user, stepId, 'awaiting-input');
      const { body } = await api.ask(user, `GET /steps/${stepId}`);
      expect(body).toMatchObject({
        tool: 'create_invoice',
        title: 'The first invoice',
        awaitingInputReason: 'needs-approval',
        pending: { arguments: { customer: 'Ada & <Sons>', amount: 12.5 } },
      });
    },
  );

  test('changes the view without losing what was entered', async ({ world, api, page }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await signIn(page, api, user);
    await openForm(page, 'Create invoice');
    await page.getByLabel('customer').fill('Ada');
    await page.getByLabel('amount').fill('7');
    await page.getByRole('button', { name: 'Edit as JSON' }).click();
    const json = page.getByLabel('Arguments');
    expect(JSON.parse(await json.inputValue())).toEqual({ customer: 'Ada', amount: 7 });
    await json.fill('{"customer": "Bob", "amount": 9007199254740993}');
    await page.getByRole('button', { name: 'Start step' }).click();
    await page
      .getByText(/would be rounded/)
      .first()
      .waitFor();
    await json.fill('{"customer": "Bob", "amount": 8}');
    await page.getByRole('button', { name: 'Edit as a form' }).click();
    expect(await page.getByLabel('customer').inputValue()).toBe('Bob');
    await page.getByRole('button', { name: 'Start step' }).click();
    const stepId = await stepIdOf(page);
    await world.steps.until(user, stepId, 'success');
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('who is not connected is led to connect', async ({ world, api, page }) => {
    await signIn(page, api, world.users.newUser());
    await page.goto(`${api.url}/start?server=${world.mcpServerId}`);
    expect(await headingOf(page)).toBe('Connect first');
    await page.getByRole('main').getByRole('link', { name: 'Connect', exact: true }).click();
    await page.waitForURL(/\/connect\//);
  });
});
