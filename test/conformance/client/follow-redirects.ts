import type { GuardedFetch } from '../../../src/net/network.ts';

const MAX_REDIRECTS = 10;

/**
 * Plays the user's browser: opens the URL and follows redirects until one leads to the redirect URI, which is not
 * opened. The suite's authorization servers consent without asking.
 *
 * @returns the authorization response
 */
export async function followRedirects(
  guardedFetch: GuardedFetch,
  start: URL,
  redirectUri: string,
): Promise<URLSearchParams> {
  let url = start;
  for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
    const response = await guardedFetch(url, { addressFrom: 'admin' });
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the authorization server answered HTTP ${response.status}`);
    url = new URL(location, url);
    if (url.origin + url.pathname === redirectUri) return url.searchParams;
  }
  throw new Error('the authorization server redirects without end');
}
