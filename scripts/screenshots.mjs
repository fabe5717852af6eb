/**
 * `npm run screenshots`: takes the README's pictures of the web page, in light and dark, into `docs/images`. The pages
 * are those of `npm run demo -- --serve`, in the system's Chromium.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { loadConfig } from '../dist/config/load-config.js';
import { createNarrator } from '../dist/dev/demo/narrator.js';
import { setStage } from '../dist/dev/demo/stage.js';
import { connectAda } from '../dist/dev/demo/story.js';
import { leaveUnfinishedSteps } from '../dist/dev/demo/unfinished-steps.js';
import { findChromium, HOW_TO_GET_CHROMIUM } from '../test/browser/chromium.ts';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const SCREEN = { viewport: { width: 1024, height: 760 }, deviceScaleFactor: 1.5, locale: 'en-GB' };

const executablePath = findChromium(process.env);
if (executablePath === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
const loaded = loadConfig('dev');
if (!loaded.ok) throw new Error('`npm run screenshots` needs the configuration of `npm run demo`');
mkdirSync(IMAGES, { recursive: true });
const stage = await setStage(loaded.config);
// Root may not use Chromium's sandbox. It opens only pages of this machine.
const browser = await chromium.launch({
  executablePath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  await connectAda(
    stage,
    createNarrator({ json: false, write: (line) => process.stdout.write(`${line}\n`) }),
  );
  const connectUrl = await leaveUnfinishedSteps(stage);
  const context = await browser.newContext({ ...SCREEN, timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  const { url } = await stage.api.request('POST', '/sign-in-links', {});
  await page.goto(url);
  // Once more: the script has told the time zone by now.
  await page.goto(`${stage.apiUrl}/`);
  await page.locator('[data-step-id]').first().waitFor();
  await picture(page, 'home');
  await page.goto(connectUrl);
  await page.getByRole('main').getByRole('button', { name: 'Connect' }).click();
  await page.getByLabel('Account').fill('ada@example.com');
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
  await page.locator('main [data-status="success"]').nth(2).waitFor();
  await picture(page, 'connected');
  await page.goto(`${stage.apiUrl}/step/umbrella`);
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  await picture(page, 'approve');
} finally {
  await browser.close();
  await stage.stop();
}

async function picture(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${IMAGES}${name}-${colorScheme}.png` });
    process.stdout.write(`docs/images/${name}-${colorScheme}.png\n`);
  }
}
