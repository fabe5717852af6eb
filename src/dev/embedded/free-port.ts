import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A TCP port of 127.0.0.1 that nothing listened on a moment ago; another process may still be faster. */
export async function freePort(): Promise<number> {
  return listenBriefly(0);
}

/** That port of 127.0.0.1 if nothing listens on it, else any free one. */
export async function preferredPort(port: number): Promise<number> {
  return listenBriefly(port).catch(() => freePort());
}

/** @throws when something listens on that port of 127.0.0.1 */
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
  // A TCP server that listens on a port has an AddressInfo; only pipes have a string.
  const address = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return address.port;
}
