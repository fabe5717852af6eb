import { type LoopbackRedirect, startLoopbackRedirect } from '../../commands/loopback-redirect.ts';
import type { Stage } from './stage.ts';

/**
 * An address that signs a browser in to the web page as Ada, as often as it is opened: a sign-in link from the API is
 * good for a minute and once. Only for the demo, because it asks for nothing.
 *
 * @param returnTo the page where the browser goes then
 */
export function startDemoSignIn({ api }: Stage, returnTo: string): Promise<LoopbackRedirect> {
  return startLoopbackRedirect('/', async () => {
    const link = await api
      .request<{ url: string }>('POST', '/sign-in-links', { returnTo })
      .catch(() => undefined);
    return link?.url;
  });
}
