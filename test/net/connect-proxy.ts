import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { EgressProxy, TunnelOutcome } from '../../src/net/egress-proxy.ts';
import type { Certificate } from './loopback-server.ts';

/** A CONNECT proxy on 127.0.0.1 that resolves every name to 127.0.0.1. */
export interface ConnectProxy {
  settings: EgressProxy;
  /** What it was asked to open, in order. */
  targets: string[];
  authorizations: (string | undefined)[];
  outcomes: TunnelOutcome[];
  /** Its connections to targets; the local port of each is what a target sees as its client's. */
  outgoing: Socket[];
}

export interface ConnectProxyOptions {
  /** The status that refuses a CONNECT. Default: it opens a tunnel. */
  refuseWith?: number;
  authorization?: string;
  certificate?: Certificate;
}

/** Closes the proxy after the test. */
export async function serveConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { certificate, refuseWith, authorization } = options;
  const server = certificate ? createSecureServer(certificate) : createServer();
  const sockets: Socket[] = [];
  const seen: Omit<ConnectProxy, 'settings'> = {
    targets: [],
    authorizations: [],
    outcomes: [],
    outgoing: [],
  };
  server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket) => {
    client.on('error', () => {});
    seen.targets.push(url);
    seen.authorizations.push(headers['proxy-authorization']);
    if (refuseWith !== undefined) {
      client.end(`HTTP/1.1 ${refuseWith} No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno`);
      return;
    }
    const outgoing = connect(Number(url.slice(url.lastIndexOf(':') + 1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      outgoing.pipe(client).pipe(outgoing);
    });
    outgoing.on('error', () => client.destroy());
    seen.outgoing.push(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of [...sockets, ...seen.outgoing]) socket.destroy();
  });
  // The cast: a server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const origin = `${certificate ? 'https' : 'http'}://localhost:${port}`;
  return {
    ...seen,
    settings: { origin, authorization, report: (outcome) => seen.outcomes.push(outcome) },
  };
}
