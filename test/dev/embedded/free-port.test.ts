import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../../src/dev/embedded/free-port.ts';

// Of some 28,000 ports: about five of the picks would be one of the free ports, if the system could pick those.
const FREE_PORTS = 100;
const PICKS = 1_500;

test.runIf(process.platform === 'linux')(
  'a port of `freePort` is given to no server that asks for any port, and to one that asks for it',
  async () => {
    const free = new Set<number>();
    while (free.size < FREE_PORTS) free.add(await freePort());

    const picked: number[] = [];
    while (picked.length < PICKS) picked.push(await listenBriefly(0));

    expect(picked.filter((port) => free.has(port))).toEqual([]);
    for (const port of free) expect(await listenBriefly(port)).toBe(port);
  },
);

async function listenBriefly(asked: number): Promise<number> {
  const server = createServer().listen(asked, '127.0.0.1');
  await once(server, 'listening');
  // The cast is safe: a server that listens on a port has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
