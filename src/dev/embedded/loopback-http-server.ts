import { createServer, type Server } from 'node:http';

/** An HTTP server on 127.0.0.1 that can be closed and opened again at the same address. */
export interface LoopbackHttpServer {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly origin: string;
  /** Add `request` listeners to it. */
  readonly http: Server;
  /** Closes all connections and refuses new ones. Does nothing if the server is closed. */
  close(): Promise<void>;
  /** Listens again on the same port. Does nothing while the server listens. */
  open(): Promise<void>;
}

/**
 * @param port default 0: a free port
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function startLoopbackHttpServer(port = 0): Promise<LoopbackHttpServer> {
  // Longer than clients keep idle connections: a server that closes them first may reset a request in flight.
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
