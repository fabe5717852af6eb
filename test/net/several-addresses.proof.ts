import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { addresses, during, failureOf, guarded } from './guarded-fetch-fixture.ts';
import { createCertificate, serveHttp, serveHttps, serveTcp } from './loopback-server.ts';
import { listenWithoutAccepting } from './unaccepting-listener.ts';

const USER = { addressFrom: 'user' } as const;
const GOOD = '127.0.0.1';
const DEAD = '127.0.0.3';
const ALSO_DEAD = '127.0.0.4';

const hello = () => during(serveHttp((_request, response) => response.end('hello')));

/** Returns a port that is served at 127.0.0.1, silent at these addresses and closed at others. */
async function servedAndSilentAt(...hosts: string[]): Promise<number> {
  const { port } = await hello();
  for (const host of hosts) await listenWithoutAccepting(host, port);
  return port;
}

async function textOf(port: number, ...list: string[]): Promise<string> {
  const { fetch } = guarded({ lookup: async () => addresses(...list) });
  return (await fetch(`http://several.test:${port}/`, USER)).text();
}

async function takes(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

describe('a name with several addresses', () => {
  test.each([
    ['before a dead one', [DEAD]],
    ['before two dead ones', [DEAD, ALSO_DEAD]],
    ['before one that refuses', ['127.0.0.5']],
  ])('is reached where a slow address stands %s', async (_where, others) => {
    const slow = await listenWithoutAccepting('127.0.0.2');
    for (const host of others) if (host !== '127.0.0.5') await listenWithoutAccepting(host, slow.port);
    const text = textOf(slow.port, slow.host, ...others);
    await delay(400);
    slow.accept();
    expect(await text).toBe('slow');
  });

  test.each([
    ['a dead one', [DEAD, GOOD]],
    ['two dead ones', [DEAD, ALSO_DEAD, GOOD]],
    ['one that refuses', ['127.0.0.5', GOOD]],
    ['a dead IPv6 address', ['::1', GOOD]],
    ['the dead IPv6 address that IPv4 addresses follow', ['::1', '127.0.0.5', DEAD, GOOD]],
    ['nine that are dead or refuse', [DEAD, ALSO_DEAD, ...refusing(7), GOOD]],
    ['29 that refuse and a dead one', [DEAD, ...refusing(29), GOOD]],
  ])('is reached behind %s', async (_what, list) => {
    const port = await servedAndSilentAt('::1', DEAD, ALSO_DEAD);
    expect(await textOf(port, ...list)).toBe('hello');
  });

  test('is reached at the last of ten dead addresses, within the time of one connection', async () => {
    const dead = Array.from({ length: 9 }, (_, index) => `127.0.1.${index + 1}`);
    const port = await servedAndSilentAt(...dead);
    expect(await textOf(port, ...dead, GOOD)).toBe('hello');
  });

  test('is reached where IPv6 is closed', async () => {
    const { port } = await hello();
    expect(await textOf(port, '::1', GOOD)).toBe('hello');
  });

  test('times out once, not once an address, where all are dead', async () => {
    const port = await servedAndSilentAt(DEAD, ALSO_DEAD);
    const { fetch } = guarded({ lookup: async () => addresses(DEAD, ALSO_DEAD) });
    const failure = failureOf(fetch(`http://several.test:${port}/`, USER));
    expect(await takes(failure)).toBeLessThan(9_000);
    expect(await failure).toMatchObject({ code: 'connect-timeout', sent: false });
  });

  test('fails at once where all refuse', async () => {
    const { port, close } = await serveTcp(() => {});
    await close();
    const { fetch } = guarded({ lookup: async () => addresses('127.0.0.5', '127.0.0.6', '::1') });
    const failure = failureOf(fetch(`http://several.test:${port}/`, USER));
    expect(await takes(failure)).toBeLessThan(4_500);
    expect(await failure).toMatchObject({ code: 'connect-refused', sent: false });
  });

  test('waits for a name server no longer than for a connection', async () => {
    const { fetch } = guarded({ lookup: () => new Promise(() => {}) });
    const failure = await failureOf(fetch('http://silent.test/', { ...USER, connectTimeoutMs: 300 }));
    expect(failure).toMatchObject({ code: 'connect-timeout', sent: false });
  });

  test('tries none of the addresses that are not allowed', async () => {
    const inside = await hello();
    const { fetch } = guarded({ policy: 'public', lookup: async () => addresses(GOOD, '169.254.169.254') });
    const failure = await failureOf(fetch(`https://mixed.test:${inside.port}/`, USER));
    expect(failure).toMatchObject({ code: 'address-refused', sent: false });
    expect(inside.sockets).toHaveLength(0);
  });

  test('sends a request once, and keeps one connection', async () => {
    let requests = 0;
    const { sockets, port } = await during(
      serveHttp((_request, response) => {
        requests += 1;
        response.end('hello');
      }),
    );
    await listenWithoutAccepting(DEAD, port);
    expect(await textOf(port, DEAD, GOOD)).toBe('hello');
    expect(requests).toBe(1);
    expect(sockets).toHaveLength(1);
  });

  test('is asked for, and verified, by name over TLS', async () => {
    const certificate = await createCertificate('several.test');
    const server = await during(serveHttps(certificate, (_request, response) => response.end('secure')));
    await listenWithoutAccepting(DEAD, server.port);
    const lookup = async (name: string) => addresses(name === 'several.test' ? DEAD : '127.0.0.5', GOOD);
    const { fetch } = guarded({ lookup, trustedCertificates: [certificate.cert] });
    expect(await (await fetch(`https://several.test:${server.port}/`, USER)).text()).toBe('secure');
    const failure = await failureOf(fetch(`https://other.test:${server.port}/`, USER));
    expect(failure).toMatchObject({ code: 'tls-failed', sent: false });
  });
});

function refusing(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `127.0.2.${index + 1}`);
}
