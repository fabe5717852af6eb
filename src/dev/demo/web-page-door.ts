import { startLoopbackHttpServer } from '../embedded/loopback-http-server.ts';
import type { Stage } from './stage.ts';

/**
 * An address that signs a browser in to the web page as Ada, as often as it is opened: a sign-in link from the API is
 * good for a minute and once. Only for the demo, because it asks for nothing.
 */
export async function startWebPageDoor({ api }: Stage): Promise<{ url: string; close(): Promise<void> }> {
  const { origin, http, close } = await startLoopbackHttpServer();
  http.on('request', async (request, response) => {
    // Another name for this address may be of a foreign page that rebinds it.
    if (`http://${request.headers.host}` !== origin || request.url !== '/')
      return response.writeHead(404).end();
    const link = await api.request<{ url: string }>('POST', '/sign-in-links', {}).catch(() => undefined);
    response
      .writeHead(link ? 303 : 503, { ...(link && { location: link.url }), 'cache-control': 'no-store' })
      .end();
  });
  return { url: `${origin}/`, close };
}
