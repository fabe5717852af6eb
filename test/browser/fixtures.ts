import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { expect, inject } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { WorldOptions } from '../support/world.ts';
import { HOW_TO_GET_CHROMIUM } from './chromium.ts';

export interface BrowserFixtures {
  $file: {
    /** The file's one Chromium, which is started at the first call. A test takes contexts from it. */
    startedChromium: () => Promise<Browser>;
  };
  $test: {
    /** Opens another browser profile, with cookies of its own. It is closed after the test. */
    newContext: (options?: BrowserContextOptions) => Promise<BrowserContext>;
    /** A page in a profile of its own. */
    page: Page;
  };
}

/** How long a test waits for something on a page. */
const TIMEOUT_MS = 15_000;

/**
 * Vitest's `test` for a file of browser tests: a world with Latchkey's API and pages (`api.url` is its `PUBLIC_URL`), and
 * Chromium. Each file has to call this itself, as it has to call `testInWorld`.
 */
export function testInBrowser(options: WorldOptions = {}) {
  const inWorld = testInWorld(async () => ({
    publicUrl: `http://127.0.0.1:${await freePort()}`,
    ...options,
  }));
  return inWorld.extend<BrowserFixtures>({
    startedChromium: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of the fixtures that this one needs.
      async ({}, use) => {
        let browser: Promise<Browser> | undefined;
        await use(() => {
          browser ??= launch(inject('chromiumPath'));
          return browser;
        });
        await (await browser)?.close();
      },
      { scope: 'file' },
    ],
    newContext: async ({ startedChromium, skip, task }, use) => {
      skip(inject('chromiumPath') === undefined, HOW_TO_GET_CHROMIUM);
      const contexts: BrowserContext[] = [];
      const blocked: string[] = [];
      await use(async (contextOptions) => {
        const context = await (await startedChromium()).newContext(contextOptions);
        context.setDefaultTimeout(TIMEOUT_MS);
        context.on('console', (message) => {
          if (message.text().includes('Content Security Policy')) blocked.push(message.text());
        });
        contexts.push(context);
        return context;
      });
      if (task.result?.state === 'fail') await describePages(contexts);
      await Promise.all(contexts.map((context) => context.close()));
      expect(blocked).toEqual([]);
    },
    page: async ({ newContext }, use) => {
      await use(await (await newContext()).newPage());
    },
  });
}

/** Says what a failed test had before it. */
async function describePages(contexts: readonly BrowserContext[]): Promise<void> {
  for (const page of contexts.flatMap((context) => context.pages())) {
    console.error(`${page.url()}\n${await page.locator('body').ariaSnapshot()}`);
  }
}

/** Root may not use Chromium's sandbox. The tests open only pages of this machine. */
function launch(executablePath = ''): Promise<Browser> {
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
