import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { generate } from 'selfsigned';

/** A server on 127.0.0.1 that records its connections. */
export interface LoopbackServer {
  port: number;
  /** `http(s)://localhost:port` */
  url: string;
  /** Accepted connections, in order; closed ones too. */
  sockets: Socket[];
  close(): Promise<void>;
}

export interface Certificate {
  key: string;
  cert: string;
}

/** @param port default: a free one */
export function serveHttp(listener: RequestListener, port = 0): Promise<LoopbackServer> {
  return listen(createHttpServer(listener), 'http', port);
}

/** @param port default: a free one */
export function serveHttps(
  certificate: Certificate,
  listener: RequestListener,
  port = 0,
): Promise<LoopbackServer> {
  return listen(createHttpsServer(certificate, listener), 'https', port);
}

/** A TCP server, for behaviour that HTTP servers do not offer: silence, broken connections, invalid bytes. */
export function serveTcp(onConnection: (socket: Socket) => void): Promise<LoopbackServer> {
  return listen(createTcpServer(onConnection), 'http');
}

export async function createCertificate(
  host: string,
  validity: { from?: Date; until?: Date } = {},
): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(validity.from && { notBeforeDate: validity.from }),
    ...(validity.until && { notAfterDate: validity.until }),
  });
  return { key, cert };
}

async function listen(server: Server, scheme: 'http' | 'https', wanted = 0): Promise<LoopbackServer> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on TCP has an AddressInfo; the string is for pipes.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${scheme}://localhost:${port}`,
    sockets,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}
