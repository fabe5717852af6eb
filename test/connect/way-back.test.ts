import { expect } from 'vitest';
import type { BrowserClient } from '../http/browser-client.ts';
import { answerTo, CONNECT_URL, headingOf } from './connect-fixture.ts';
import { connectTest as test } from './fixtures.ts';

/** Where the outcome page leads, and what that is called. */
function wayBackIn(html: string): string[] {
  return /<a class="([^"]*)" href="([^"]*)" id="way-back">([^<]*)</.exec(html)?.slice(1) ?? [];
}

async function press(browser: BrowserClient, page: string): Promise<URL> {
  const sent = await browser.fillIn(page, page.split('?', 1)[0] ?? '');
  return new URL(String(sent.headers.location));
}

test.for([
  ['', '/connections', 'Go to your connections'],
  ['?step=s-1', '/step/s-1', 'Go to the step'],
  ['?from=home', '/', 'Go to the home page'],
  ['?account=work&from=start', '/start?server=ID&amp;account=work', 'Go on with the new step'],
  ['?step=s-1&from=again', '/start?again=s-1', 'Go on with the new step'],
  // Anyone can make up an address.
  ['?step=%2F%2Fevil.example', '/connections', 'Go to your connections'],
  ['?from=https://evil.example', '/connections', 'Go to your connections'],
] as const)(
  'after a consent, a user goes on where they came from: %s',
  async ([query, path, label], { fixture, server, mcpServerId }) => {
    const browser = await fixture.signedIn('alice');
    const away = await press(browser, `/connect/${mcpServerId}${query}`);
    const end = await fixture.comeBack(browser, answerTo(away, server));
    expect(headingOf(end)).toMatch(/^Connected/);
    expect(wayBackIn(end.body)).toEqual(['button', path.replace('ID', mcpServerId), label]);
    expect(end.body).not.toContain('the app that sent you here');
  },
);

test('after a refusal, the way back stands behind the button that tries again', async ({
  fixture,
  server,
  mcpServerId,
}) => {
  const browser = await fixture.signedIn('alice');
  const away = await press(browser, `/connect/${mcpServerId}?step=s-2`);
  const denied = answerTo(away, server, { code: undefined, error: 'access_denied' });
  const end = await fixture.comeBack(browser, denied);
  expect(headingOf(end)).toMatch(/^Not connected/);
  expect(wayBackIn(end.body)).toEqual(['button quiet', '/step/s-2', 'Go to the step']);
});

test('who came from a host is led to no page of ours', async ({ fixture, server, mcpServerId }) => {
  const browser = fixture.browser();
  const { url } = await fixture.link(mcpServerId);
  const away = await fixture.press(browser, `${url}&from=home&step=s-3`);
  const end = await fixture.comeBack(browser, answerTo(away, server));
  expect(wayBackIn(end.body)).toEqual([]);
  expect(url.startsWith(CONNECT_URL)).toBe(true);
  expect(end.body).toContain('the app that sent you here');
});
