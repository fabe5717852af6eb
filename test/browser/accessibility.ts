import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface AxeViolation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core finds wrong with a page, in one line each. Scripts that the page's CSP forbids run all the same. */
export async function violationsOn(page: Page): Promise<string[]> {
  // CDP's evaluation is not subject to the page's CSP.
  await page.evaluate(await readFile(AXE, 'utf8'));
  // The cast trusts axe-core's documented result.
  const { violations } = (await page.evaluate('axe.run()')) as { violations: AxeViolation[] };
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help} (${html})`));
}
