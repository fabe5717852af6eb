import { createServer, type Server } from 'node:http';

/** An HTTP server on 127.0.0.1 that keeps its address while it goes away and comes back. */
export interface LoopbackHttpServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly origin: string;
  /** Takes `request` listeners. */
  readonly http: Server;
  /** Refuses new connections and cuts the standing ones; harmless when closed already. */
  close(): Promise<void>;
  /** Listens again on the same port; harmless while it listens. */
  open(): Promise<void>;
}

/**
 * @param port Default 0: a free one.
 * @throws The error of `listen`, e.g. `EADDRINUSE`.
 */
export async function startLoopbackHttpServer(port = 0): Promise<LoopbackHttpServer> {
  // Longer than what clients pool: a server that closes idle connections first resets requests in flight.
  const http = createServer({ keepAliveTimeout: 120_000 });
  await listen(http, port);
  const boundPort = portOf(http);
  return {
    origin: `http://127.0.0.1:${boundPort}`,
    http,
    close: () => close(http),
    open: () => (http.listening ? Promise.resolve() : listen(http, boundPort)),
  };
}

function listen(http: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, '127.0.0.1', () => {
      http.off('error', reject);
      resolve();
    });
  });
}

function close(http: Server): Promise<void> {
  if (!http.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    http.close((error) => (error === undefined ? resolve() : reject(error)));
    http.closeAllConnections();
  });
}

function portOf(http: Server): number {
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port');
  return address.port;
}
