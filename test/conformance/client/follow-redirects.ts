import type { GuardedFetch } from '../../../src/net/network.ts';
import { FlowEnded } from './flow-ended.ts';

const MAX_REDIRECTS = 10;

/**
 * Plays the user's browser: opens the URL and follows redirects until one leads to `callback` or below it, which is not
 * opened. The suite's authorization servers consent without asking.
 *
 * @returns where the browser comes back to
 * @throws FlowEnded where it does not come back
 */
export async function followRedirects(
  guardedFetch: GuardedFetch,
  start: URL,
  callback: string,
): Promise<URL> {
  let url = start;
  for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
    const response = await guardedFetch(url, { addressFrom: 'admin' });
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null) throw new FlowEnded(`authorization endpoint: HTTP ${response.status}`);
    url = new URL(location, url);
    if (url.href.startsWith(callback)) return url;
  }
  throw new FlowEnded('authorization endpoint: redirects without end');
}
