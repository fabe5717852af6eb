import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { guardLookup, type Lookup } from '../../src/net/guarded-connector.ts';
import { addresses, connectionFree, during, failureOf, guarded } from './guarded-fetch-fixture.ts';
import { createCertificate, serveHttp, serveHttps } from './loopback-server.ts';

const USER = { addressFrom: 'user' } as const;
const ADMIN = { addressFrom: 'admin' } as const;

const hello = () => during(serveHttp((_request, response) => response.end('hello')));

describe('the guarded fetch and addresses', () => {
  test.each([
    ['http://127.0.0.1:1/', 'scheme-refused'],
    ['https://user:secret@example.com/', 'userinfo-refused'],
    ['https://127.0.0.1:1/', 'address-refused'],
    ['https://2130706433:1/', 'address-refused'],
    ['https://0177.0.0.1:1/', 'address-refused'],
    ['https://[::ffff:127.0.0.1]:1/', 'address-refused'],
    ['https://[64:ff9b::7f00:1]:1/', 'address-refused'],
    ['https://169.254.169.254/', 'address-refused'],
    ['https://localhost:1/', 'address-refused'],
    ['nonsense', 'invalid-url'],
  ])('refuses %s without sending: %s', async (url, code) => {
    const { fetch } = guarded({ policy: 'public' });
    expect(await failureOf(fetch(url, USER))).toMatchObject({ code, sent: false });
  });

  test.each([['user'], ['admin']] as const)(
    'does not connect to a name of the %s that resolves to loopback in public',
    async (addressFrom) => {
      const server = await during(serveHttps(await createCertificate('inside.test'), () => {}));
      const { fetch } = guarded({ policy: 'public', lookup: async () => addresses('127.0.0.1') });
      const failure = await failureOf(fetch(`https://inside.test:${server.port}/`, { addressFrom }));
      expect(failure).toMatchObject({ code: 'address-refused', sent: false });
      expect(server.sockets).toHaveLength(0);
    },
  );

  test('connects to the address that it checked, whatever the DNS server answers later', async () => {
    const server = await hello();
    const answers = [addresses('127.0.0.1'), addresses('169.254.169.254')];
    const lookup: Lookup = async () => answers.shift() ?? [];
    const { fetch } = guarded({ lookup });
    const url = `http://rebound.test:${server.port}/`;

    expect(await (await fetch(url, USER)).text()).toBe('hello');
    expect(answers).toHaveLength(1);

    const closed = server.sockets.map((socket) => once(socket.destroy(), 'close'));
    await Promise.all(closed);
    expect(await failureOf(fetch(url, USER))).toMatchObject({ code: 'address-refused', sent: false });
    expect(server.sockets).toHaveLength(1);
  });

  test('drops the addresses that are not allowed, and falls back among the others', async () => {
    const server = await hello();
    const lookup: Lookup = async () => addresses('169.254.169.254', '10.0.0.1', '::1', '127.0.0.1');
    const { fetch } = guarded({ lookup });
    const response = await fetch(`http://several.test:${server.port}/`, USER);
    expect(await response.text()).toBe('hello');
  });

  test('keeps only allowed addresses for the connector', async () => {
    const lookup: Lookup = async () => addresses('93.184.215.14', '127.0.0.1', '10.0.0.1', 'fe80::1');
    const seen = (source: 'user' | 'admin') =>
      new Promise((resolve) => {
        const guard = guardLookup({ policy: 'public', source, lookup });
        guard('mixed.test', { all: true }, (_error, found) => resolve(found));
      });
    expect(await seen('user')).toEqual(addresses('93.184.215.14'));
    expect(await seen('admin')).toEqual(addresses('93.184.215.14', '10.0.0.1'));
  });

  test('tells a name that does not resolve from one that is refused', async () => {
    const lookup: Lookup = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    const { fetch } = guarded({ lookup });
    const failure = await failureOf(fetch('http://nowhere.test/', USER));
    expect(failure).toMatchObject({ code: 'dns-failed', sent: false, cause: { code: 'ENOTFOUND' } });
  });

  test("never serves a user's address over a connection that was opened for an admin's address", async () => {
    const server = await hello();
    const answers = [addresses('127.0.0.1')];
    const { fetch } = guarded({ lookup: async () => answers.shift() ?? addresses('169.254.169.254') });
    const url = `http://shared.test:${server.port}/`;

    for (const _ of ['opens a connection', 'uses it again']) {
      expect(await (await fetch(url, ADMIN)).text()).toBe('hello');
      await connectionFree();
    }
    expect(server.sockets).toHaveLength(1);
    expect(await failureOf(fetch(url, USER))).toMatchObject({ code: 'address-refused' });
  });

  test('returns a redirect as it is and follows none', async () => {
    const paths: Array<string | undefined> = [];
    const server = await during(
      serveHttp((request, response) => {
        paths.push(request.url);
        response.writeHead(307, { location: '/elsewhere' }).end();
      }),
    );
    const { fetch } = guarded();
    const response = await fetch(`${server.url}/here`, { ...USER, method: 'POST', body: 'secret' });
    expect(response.status).toBe(307);
    expect(response.headers.get('location')).toBe('/elsewhere');
    expect(paths).toEqual(['/here']);
  });

  test('ignores proxy variables', async () => {
    const server = await hello();
    const { http_proxy: before } = process.env;
    onTestFinished(() => {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    });
    process.env.http_proxy = 'http://127.0.0.1:1';
    const response = await guarded().fetch(server.url, USER);
    expect(await response.text()).toBe('hello');
  });

  test('lets no header choose another host', async () => {
    const server = await during(
      serveHttp((request, response) => response.end(`${request.headers.host} ${request.headers['x-kept']}`)),
    );
    const headers = { Host: 'evil.test', Connection: 'upgrade', Upgrade: 'h2c', 'X-Kept': 'yes' };
    const response = await guarded().fetch(server.url, { ...USER, headers });
    expect(await response.text()).toBe(`localhost:${server.port} yes`);
  });
});
