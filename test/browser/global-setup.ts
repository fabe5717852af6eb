import type { TestProject } from 'vitest/node';
import { findChromium, HOW_TO_GET_CHROMIUM } from './chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined: there is none, and the browser tests are skipped. */
    chromiumPath: string | undefined;
  }
}

/** Without Chromium, tests are skipped, but not on CI: a skipped test must not look like one that passed. */
export default function setup(project: TestProject): void {
  const path = findChromium(process.env);
  project.provide('chromiumPath', path);
  if (path !== undefined) return;
  if (process.env.CI === 'true') throw new Error(HOW_TO_GET_CHROMIUM);
  process.stderr.write(`\nSKIPPED: all browser tests. ${HOW_TO_GET_CHROMIUM}\n\n`);
}
