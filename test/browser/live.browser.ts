import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { noteChanges } from '../../src/changes/watched-user-store.ts';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { EXTRA_PARTS, isEvents, mark, rewrite, setHidden, streamOf, withForms } from './live-page.ts';
import { signIn } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

interface Scene {
  world: World;
  api: TestApi;
  page: Page;
}

/** A user who looks at the page of their connections, of which there are none. */
async function look({ world, api, page }: Scene): Promise<string> {
  const user = world.users.newUser();
  await signIn(page, api, user);
  const stream = streamOf(page);
  await page.goto(`${api.url}/connections`);
  await stream;
  return user;
}

const connected = (page: Page) => page.getByRole('main').getByRole('button', { name: 'Disconnect' });

describe('an open page', () => {
  test('shows a change without being loaded again', async ({ world, api, page }) => {
    const user = await look({ world, api, page });
    const isMarked = await mark(page);
    expect(await connected(page).count()).toBe(0);
    await world.users.connect(user);
    await connected(page).waitFor();
    await world.users.disconnect(user);
    await connected(page).waitFor({ state: 'detached' });
    expect(await isMarked()).toBe(true);
  });

  test('keeps the focus, open details, scrolled lists and what the reader types', async ({
    world,
    api,
    page,
  }) => {
    let isUpdated = false;
    const scrolled =
      '<pre id="long" tabindex="0" style="height:3rem;overflow:auto">1\n2\n3\n4\n5\n6\n7\n8</pre>';
    await withForms(page, () => {
      const parts = isUpdated
        ? EXTRA_PARTS.replace('value="old"', 'value="new"').replaceAll('Below.', 'Under.')
        : EXTRA_PARTS;
      return `${parts}${scrolled.replace(/ style="[^"]*"/, '')}`;
    });
    const user = await look({ world, api, page });
    await page.evaluate(
      "Object.assign(document.getElementById('long').style, { height: '3rem', overflow: 'auto' })",
    );
    await page.getByText('More').click();
    await page.getByLabel('Note').pressSequentially('half a sent');
    isUpdated = true;
    await world.users.connect(user);
    await page.getByText('Under.').waitFor();

    await page.keyboard.type('ence');
    expect(await page.getByLabel('Note').inputValue()).toBe('half a sentence');
    expect(await page.getByLabel('Word').inputValue()).toBe('new');
    expect(await page.locator('#more').getAttribute('open')).toBe('');

    // Also after the focus has gone elsewhere.
    await page.getByText('More').focus();
    await world.users.disconnect(user);
    await connected(page).waitFor({ state: 'detached' });
    expect(await page.getByLabel('Note').inputValue()).toBe('half a sentence');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('More');
  });

  test('asks nothing while its tab is hidden, and shows what it missed', async ({ world, api, page }) => {
    const user = await look({ world, api, page });
    await setHidden(page, true);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await world.users.connect(user);
    // The change was told to every stream by then.
    const other = await page.context().newPage();
    await other.goto(`${api.url}/connections`);
    await world.users.connect(user);
    await noteChanges(world.services.db, [user]);
    await connected(other).waitFor();
    expect(requests).toEqual([]);
    expect(await connected(page).count()).toBe(0);

    await setHidden(page, false);
    await connected(page).waitFor();
    expect(requests.some(isEvents)).toBe(true);
  });

  test('says that its reader was signed out, with a way back', async ({ world, api, page }) => {
    await look({ world, api, page });
    const other = await page.context().newPage();
    await other.goto(`${api.url}/connections`);
    await other.getByRole('button', { name: 'Sign out' }).click();
    const banner = page.getByRole('status').filter({ hasText: 'You are signed out' });
    await banner.waitFor();
    expect(await violationsOn(page)).toEqual([]);
    expect(await banner.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe(
      '/sign-in?returnTo=%2Fconnections',
    );
  });

  test('tells a screen reader only what its author marked', async ({ world, api, page }) => {
    let words = 'Waiting';
    await withForms(page, () => `<p id="state" data-announce>${words}</p><p>${words}</p>`);
    const user = await look({ world, api, page });
    const region = page.locator('[aria-live="polite"]:not([role])');
    expect(await region.textContent()).toBe('');
    words = 'Done';
    await world.users.connect(user);
    await page.locator('[aria-live="polite"]', { hasText: /^Done$/ }).waitFor();
  });

  test('that wants it is fetched again at its interval, without a change', async ({ world, api, page }) => {
    let fetched = 0;
    await rewrite(page, (html) => {
      fetched += 1;
      return html
        .replace('<main ', '<main data-refresh-seconds="1" ')
        .replace('</main>', `<p>Fetched ${fetched}</p></main>`);
    });
    await look({ world, api, page });
    const isMarked = await mark(page);
    await page.getByText('Fetched 5').waitFor();
    expect(await isMarked()).toBe(true);
  });

  test('is fetched again when the server says that a change may have been missed', async ({
    world,
    api,
    page,
  }) => {
    await signIn(page, api, world.users.newUser());
    let words = 'Before';
    await withForms(page, () => `<p>${words}</p>`);
    const event = (name: string) => `event: ${name}\nid: 1\ndata: {"change":"1","changed":false}\n\n`;
    let say = () => {};
    const said = new Promise<void>((resolve) => {
      say = resolve;
    });
    await page.route(
      ({ href }) => isEvents(href),
      async (route) => {
        await said;
        const isStream = route.request().headers().accept === 'text/event-stream';
        if (!isStream) return route.fulfill({ json: { change: '1', changed: false } });
        await route.fulfill({ contentType: 'text/event-stream', body: event('ready') + event('recheck') });
      },
    );
    await page.goto(`${api.url}/connections`);
    await page.getByText('Before').waitFor();
    words = 'After';
    say();
    await page.getByText('After').waitFor();
  });

  test('is fetched once more for the time zone of the browser', async ({ world, api, newContext }) => {
    const context = await newContext({ timezoneId: 'Asia/Tokyo' });
    const page = await context.newPage();
    const zones: string[] = [];
    await rewrite(page, (html) => {
      zones.push(/data-time-zone="([^"]*)"/.exec(html)?.[1] ?? '');
      return html.replace('</main>', `<time>${zones.at(-1) || 'UTC'}</time></main>`);
    });
    await page.route('**/assets/*.js', (route) => route.abort());
    await signIn(page, api, world.users.newUser());
    await page.unroute('**/assets/*.js');
    await page.goto(`${api.url}/connections`);
    await page.getByText('Asia/Tokyo').waitFor();
    expect(zones.slice(0, 2)).toEqual(['', 'Asia/Tokyo']);
    const cookies = await context.cookies();
    expect(cookies.find(({ name }) => name === 'latchkey-time-zone')).toMatchObject({
      value: 'Asia%2FTokyo',
      sameSite: 'Lax',
    });
  });
});

describe('a form', () => {
  test('is sent once, however often its button is pressed, and again after going back', async ({
    world,
    api,
    page,
  }) => {
    await withForms(page, () => '<form id="f" action="/nowhere"><button>Send</button></form>');
    let sent = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/nowhere?', async (route) => {
      sent += 1;
      await held;
      await route.fulfill({ contentType: 'text/html', body: '<!doctype html><h1>Sent</h1>' });
    });
    await look({ world, api, page });
    const button = page.getByRole('button', { name: 'Send' });
    // Playwright's own clicks wait for the answer.
    const isDisabled = await page.evaluate(`new Promise((resolve) => {
      const button = document.querySelector('#f button');
      button.click();
      button.click();
      setTimeout(() => resolve(button.disabled), 10);
    })`);
    expect(isDisabled).toBe(true);
    release();
    await page.getByRole('heading', { name: 'Sent' }).waitFor();
    expect(sent).toBe(1);

    await page.goBack();
    await button.click();
    await page.getByRole('heading', { name: 'Sent' }).waitFor();
    expect(sent).toBe(2);
  });
});
