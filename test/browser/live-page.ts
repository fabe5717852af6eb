import type { Page } from 'playwright-core';

/** What a page of the product may hold, in one page: here below the user's connections. */
const EXTRA = `<form id="note-form" action="/nowhere"><input id="note" name="note" aria-label="Note"></form>
<form id="other-form" action="/nowhere"><input name="word" aria-label="Word" value="old"></form>
<details id="more"><summary>More</summary><p>Below.</p></details>`;

/** Changes the connections page as if the server had written it so, also each update. */
export async function rewrite(page: Page, change: (html: string) => string): Promise<void> {
  await page.route('**/connections', async (route) => {
    const response = await route.fetch().catch(() => undefined);
    // Undefined: the test is over.
    if (response !== undefined) await route.fulfill({ response, body: change(await response.text()) });
  });
}

/** Adds to the connections page, by default forms and details. */
export async function withForms(page: Page, extra: () => string = () => EXTRA): Promise<void> {
  await rewrite(page, (html) => html.replace('</main>', `${extra()}</main>`));
}

export const EXTRA_PARTS = EXTRA;

/** Marks the page, to see that it is not loaded again. */
export async function mark(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate('window.isMarked = true');
  return () => page.evaluate('window.isMarked === true');
}

/** Makes the page believe that its tab is hidden, or shown again. */
export async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${isHidden} });
    document.dispatchEvent(new Event('visibilitychange'));`);
}

/** Resolves when the page has its stream of events. */
export function streamOf(page: Page): Promise<unknown> {
  return page.waitForResponse((response) => isEvents(response.url()) && response.ok());
}

export function isEvents(url: string): boolean {
  return new URL(url).pathname === '/events';
}
