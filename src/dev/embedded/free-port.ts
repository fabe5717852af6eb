import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/**
 * Returns a TCP port of 127.0.0.1 that was free a moment ago. On Linux, a process that asks for any free port does not
 * get this one for the next minute. A process that asks for this very port may still take it.
 */
export async function freePort(): Promise<number> {
  // The side that closes a connection first is in TIME-WAIT, and the system picks no port in that state.
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  try {
    const client = connect(port, '127.0.0.1').resume();
    await once(client, 'close');
  } finally {
    await closed(server);
  }
  return port;
}

/** Returns the given port of 127.0.0.1 if it is free, else any free port. */
export async function preferredPort(port: number): Promise<number> {
  return listenBriefly(port).catch(() => freePort());
}

/** @throws if the port of 127.0.0.1 is in use */
export async function assertPortFree(port: number): Promise<void> {
  try {
    await listenBriefly(port);
  } catch (error) {
    throw new Error(`Port ${port} of 127.0.0.1 can't be used.`, { cause: error });
  }
}

async function listenBriefly(port: number): Promise<number> {
  const probe = createServer().listen(port, '127.0.0.1');
  await once(probe, 'listening');
  const taken = portOf(probe);
  await closed(probe);
  return taken;
}

function portOf(server: Server): number {
  // The cast is safe: a server that listens on a port has an AddressInfo. Only pipes have a string.
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
