import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { mainText } from './people.ts';
import { HOSTILE, openStep, PNG, startAnswered, startForApproval, startLost, wav } from './step-scenes.ts';

const test = testInBrowser();

const button = (page: Page, name: string) => page.getByRole('main').getByRole('button', { name });
const statusOf = (page: Page) => page.locator('[data-status]').getAttribute('data-status');
const notice = (page: Page) => page.locator('.notice');

/** Keeps pages as they were loaded: what their script fetches, such as the page itself, is never answered. */
const keepAsLoaded = (page: Page) =>
  page.route('**/*', async (route) => {
    if (route.request().resourceType() !== 'fetch') await route.continue();
  });

describe('approving', () => {
  test('with a change calls the tool with it', async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world);
    await openStep(page, api, user, stepId);
    expect(await statusOf(page)).toBe('awaiting-input');
    for (const name of ['Approve', 'Reject', 'Cancel step']) expect(await button(page, name).count()).toBe(1);

    await page.getByLabel('amount').fill('41');
    await button(page, 'Approve').click();

    await page.waitForURL(/\/step\//);
    await world.steps.until(user, stepId, 'success');
    await page.reload();
    expect(await statusOf(page)).toBe('success');
    expect(world.mcpServer.calls({ user }).map((call) => call.arguments)).toEqual([
      { customer: 'ACME', amount: 41 },
    ]);
    const text = await mainText(page);
    expect(text).toContain('Approved by you');
    expect(text).toContain('With other arguments');
    // What the tool was called with, not what it was started with.
    expect(await page.locator('#arguments-shown').textContent()).toContain('41');
  });

  test('says at the field what the schema refuses, and keeps what was entered', async ({
    world,
    api,
    page,
  }) => {
    const { user, stepId } = await startForApproval(world);
    await openStep(page, api, user, stepId);
    await page.getByLabel('amount').fill('-3');
    await button(page, 'Approve').click();
    const amount = page.getByLabel('amount');
    await expect.poll(() => amount.getAttribute('aria-invalid')).toBe('true');
    expect(await amount.inputValue()).toBe('-3');
    expect(await violationsOn(page)).toEqual([]);

    await amount.fill('3');
    await button(page, 'Approve').click();
    await world.steps.until(user, stepId, 'success');
    expect(world.mcpServer.calls({ user }).map((call) => call.arguments.amount)).toEqual([3]);
  });

  test('works as raw JSON and without JavaScript', async ({ world, api, newContext }) => {
    const page = await (await newContext({ javaScriptEnabled: false })).newPage();
    const { user, stepId } = await startForApproval(world);
    await openStep(page, api, user, stepId);
    await page.getByRole('button', { name: 'Edit as JSON' }).click();
    await page.getByLabel('Arguments').fill('{"customer": "Zed", "amount": 7}');
    await button(page, 'Approve').click();
    await world.steps.until(user, stepId, 'success');
    expect(world.mcpServer.calls({ user }).map((call) => call.arguments)).toEqual([
      { customer: 'Zed', amount: 7 },
    ]);
  });
});

test('rejecting says why, and calls nothing', async ({ world, api, page }) => {
  const { user, stepId } = await startForApproval(world);
  await openStep(page, api, user, stepId);
  await page.getByLabel('Why you reject it').fill('Not this <month>');
  await button(page, 'Reject').click();
  await expect.poll(() => statusOf(page)).toBe('skipped');
  expect(await mainText(page)).toContain('Not this <month>');
  expect(world.mcpServer.calls({ user })).toEqual([]);
});

describe('an unknown outcome', () => {
  test.for([
    ['Call again', 'success', 2],
    ['It succeeded', 'success', 1],
    ['It failed', 'error', 1],
  ] as const)('is resolved by %s', async ([name, status, calls], { world, api, page }) => {
    const { user, stepId } = await startLost(world);
    await openStep(page, api, user, stepId);
    for (const one of ['Call again', 'It succeeded', 'It failed']) {
      expect(await button(page, one).count()).toBe(1);
    }
    if (name === 'It succeeded') await page.getByLabel('What came of it').fill('INV-9 <is> there');
    await button(page, name).click();
    await world.steps.until(user, stepId, status);
    await page.reload();
    expect(await statusOf(page)).toBe(status);
    if (name === 'It succeeded') expect(await mainText(page)).toContain('INV-9 <is> there');
    expect(world.mcpServer.calls({ user })).toHaveLength(calls);
  });
});

test('cancelling takes one press, and ends the step', async ({ world, api, page }) => {
  const { user, stepId } = await startForApproval(world);
  await openStep(page, api, user, stepId);
  await button(page, 'Cancel step').click();
  await notice(page).getByText('The step was told to stop.').waitFor();
  await world.steps.until(user, stepId, 'cancelled');
  await page.reload();
  expect(await statusOf(page)).toBe('cancelled');
});

test('what somebody else decided meanwhile is said', async ({ world, api, page }) => {
  const { user, stepId } = await startForApproval(world);
  await keepAsLoaded(page);
  await openStep(page, api, user, stepId);
  await world.steps.reject(user, stepId, { reason: 'no' }, 'carol@example.com');
  await button(page, 'Approve').click();
  await notice(page).getByText('This was rejected by carol@example.com').waitFor();
  expect(await statusOf(page)).toBe('skipped');
  expect(world.mcpServer.calls({ user })).toEqual([]);
});

test('a form that the reader has begun to fill in goes when somebody else has decided', async ({
  world,
  api,
  page,
}) => {
  const { user, stepId } = await startForApproval(world);
  await openStep(page, api, user, stepId);
  await page.getByLabel('amount').fill('43');
  await page.getByLabel('amount').press('Tab');
  await world.steps.reject(user, stepId, { reason: 'no' }, 'carol@example.com');
  await page.getByRole('main').getByText('carol@example.com').first().waitFor();
  expect(await statusOf(page)).toBe('skipped');
  expect(await button(page, 'Approve').count()).toBe(0);
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
});

test('what somebody else decided before a step was cancelled is said', async ({ world, api, page }) => {
  const { user, stepId } = await startForApproval(world);
  await keepAsLoaded(page);
  await openStep(page, api, user, stepId);
  await world.steps.reject(user, stepId, { reason: 'no' }, 'carol@example.com');
  await button(page, 'Cancel step').click();
  await notice(page).getByText('This was rejected by carol@example.com').waitFor();
  expect(await statusOf(page)).toBe('skipped');
});

describe('a result', () => {
  test('shows images and sounds', async ({ world, api, page }) => {
    const content = [
      { type: 'image', data: PNG, mimeType: 'image/png' },
      { type: 'audio', data: wav(), mimeType: 'audio/wav' },
    ];
    const { user, step, server } = await startAnswered(world, { content });
    onTestFinished(server.close);
    await openStep(page, api, user, step.stepId);
    await expect.poll(() => page.evaluate('document.querySelector("img").naturalWidth')).toBe(1);
    await page.evaluate('document.querySelector("audio").load()');
    await page.evaluate('document.querySelector("audio").preload = "auto"');
    await expect.poll(() => page.evaluate('document.querySelector("audio").duration')).toBeCloseTo(0.5);
    expect(await violationsOn(page)).toEqual([]);
  });

  test('that is a page itself runs nowhere', async ({ world, api, page }) => {
    const html = '<!doctype html><title>x</title><script>document.title="hacked"</script>';
    const data = Buffer.from(html).toString('base64');
    const content = [
      { type: 'image', data, mimeType: 'image/png' },
      { type: 'text', text: html },
    ];
    const { user, step, server } = await startAnswered(world, { content });
    onTestFinished(server.close);
    await openStep(page, api, user, step.stepId);
    await expect.poll(() => page.evaluate('document.querySelector("img").complete')).toBe(true);
    expect(await page.evaluate('document.querySelector("img").naturalWidth')).toBe(0);
    expect(await page.title()).not.toBe('hacked');
    const download = page.waitForEvent('download');
    await page.goto(`${api.url}/step/${step.stepId}/content/1`).catch(() => {});
    expect((await download).suggestedFilename()).toBe(`step-${step.stepId}-2.txt`);
  });
});

test('a result of 1 MiB is shown in part, and downloaded as a whole', async ({ world, api, page }) => {
  const text = 'All of the sales of March. '.repeat(38_000);
  const { user, step, server } = await startAnswered(world, { content: [{ type: 'text', text }] });
  onTestFinished(server.close);
  await openStep(page, api, user, step.stepId);
  expect((await page.content()).length).toBeLessThan(200_000);
  expect(await page.getByRole('main').textContent()).toContain('All of the sales of March.');
  const download = page.waitForEvent('download');
  await page.goto(`${api.url}/step/${step.stepId}/result`).catch(() => {});
  const whole = JSON.parse(await readFile(await (await download).path(), 'utf8'));
  expect(whole.content[0].text).toBe(text);
  await openStep(page, api, user, step.stepId);
  expect(await violationsOn(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
});

test('hostile texts everywhere break nothing', async ({ world, api, page }) => {
  const text = HOSTILE.slice(0, 9_000);
  const result = {
    content: [
      { type: 'text', text: HOSTILE },
      { type: 'resource_link', uri: `https://files.example/${encodeURIComponent('<x>')}`, name: HOSTILE },
      { type: 'resource_link', uri: 'javascript:document.title="hacked"', name: HOSTILE },
      { type: 'resource', resource: { uri: HOSTILE, mimeType: HOSTILE, blob: 'AAAA' } },
      { type: HOSTILE, [HOSTILE]: [HOSTILE] },
    ],
    structuredContent: { [HOSTILE]: { [HOSTILE]: HOSTILE } },
    isError: true,
  };
  const { user, step, server } = await startAnswered(world, result, {
    title: text.slice(0, 200),
    arguments: { [text]: [text, { nested: text }] },
  });
  onTestFinished(server.close);
  await openStep(page, api, user, step.stepId);
  await page.setViewportSize({ width: 360, height: 640 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await violationsOn(page)).toEqual([]);
  }
  expect(await page.title()).not.toBe('hacked');
  await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
});
