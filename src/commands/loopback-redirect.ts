import { once } from 'node:events';
import { createServer } from 'node:http';

export interface LoopbackRedirect {
  url: string;
  /** Refuses new requests and lets one that is being answered finish. */
  close(): Promise<void>;
}

/**
 * Serves an address on 127.0.0.1 that redirects a browser of this machine. Does not keep the process running.
 *
 * @param path with its leading slash
 * @param findTarget called for each request; undefined: there is nowhere to go now, and the answer is 503
 */
export async function startLoopbackRedirect(
  path: string,
  findTarget: () => Promise<string | undefined>,
): Promise<LoopbackRedirect> {
  const http = createServer();
  await once(http.listen(0, '127.0.0.1'), 'listening');
  http.unref();
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port');
  const origin = `http://127.0.0.1:${address.port}`;
  http.on('request', async ({ method, url, headers }, response) => {
    response.setHeader('cache-control', 'no-store').setHeader('connection', 'close');
    // Another name for this address may be of a foreign page that rebinds it.
    const isAsked = method === 'GET' && url === path && `http://${headers.host}` === origin;
    if (!isAsked) return response.writeHead(404).end();
    const target = await findTarget();
    if (target === undefined) return response.writeHead(503).end();
    return response.writeHead(303, { location: target }).end();
  });
  return { url: `${origin}${path}`, close: () => close(http) };
}

async function close(http: ReturnType<typeof createServer>): Promise<void> {
  if (!http.listening) return;
  const closed = once(http, 'close');
  http.close();
  http.closeIdleConnections();
  await closed;
}
