/**
 * Ends TLS in front of a Temporal server that has none, as a cluster's ingress does, and checks who calls: by a client
 * certificate, or by an API key. gRPC is HTTP/2 with trailers.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { once } from 'node:events';
import {
  connect,
  createSecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

export interface TlsProxy {
  /** `localhost:port` */
  address: string;
  /** Namespaces that calls named in their header. */
  namespaces: Set<string>;
  close(): Promise<void>;
}

export interface TlsProxyOptions {
  /** Key and certificate of the proxy; with `ca`, it refuses clients without a certificate of it. */
  tls: Pick<SecureServerOptions, 'key' | 'cert' | 'ca'>;
  /** Absent: no key is asked for. */
  apiKey?: string;
}

const UNAUTHENTICATED = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' };
/** RFC 9113 §8.2.2 forbids them in HTTP/2, and the new stream has pseudo-headers of its own. */
const HOP = ['connection', ':authority', ':scheme'];

/** @param upstream `host:port` of a Temporal server without TLS */
export async function startTlsProxy(upstream: string, options: TlsProxyOptions): Promise<TlsProxy> {
  const session = connect(`http://${upstream}`);
  session.on('error', () => {});
  const namespaces = new Set<string>();
  const requestCert = options.tls.ca !== undefined;
  const server = createSecureServer({ ...options.tls, requestCert, rejectUnauthorized: requestCert });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      stream.respond(UNAUTHENTICATED, { endStream: true });
      return;
    }
    if (typeof headers['temporal-namespace'] === 'string') namespaces.add(headers['temporal-namespace']);
    forward(stream, session.request(withoutHop(headers)));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The cast leaves out the form of a Unix socket's address.
  const { port } = server.address() as AddressInfo;
  return {
    address: `localhost:${port}`,
    namespaces,
    async close() {
      session.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function withoutHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.includes(name)));
}

function forward(
  stream: ServerHttp2Stream,
  upstream: ReturnType<ReturnType<typeof connect>['request']>,
): void {
  let trailers: IncomingHttpHeaders = {};
  upstream.on('error', () => stream.close());
  upstream.on('trailers', (received) => {
    trailers = received;
  });
  upstream.on('response', (headers) => {
    if (stream.destroyed) return upstream.close();
    // A gRPC error without a message is headers alone.
    if (upstream.readableEnded || headers['grpc-status'] !== undefined) {
      stream.respond(headers, { endStream: true });
      return undefined;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    upstream.pipe(stream);
  });
  stream.on('close', () => upstream.close());
  stream.pipe(upstream);
}
