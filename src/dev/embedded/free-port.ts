import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Returns a TCP port of 127.0.0.1 that was free a moment ago. Another process may take it first. */
export async function freePort(): Promise<number> {
  return listenBriefly(0);
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
  // The cast is safe: a server that listens on a port has an AddressInfo. Only pipes have a string.
  const address = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return address.port;
}
