import { describe, expect, test } from 'vitest';
import type { Lookup } from '../../src/net/guarded-connector.ts';
import { serveConnectProxy } from './connect-proxy.ts';
import { connectionFree, during, failureOf, guarded } from './guarded-fetch-fixture.ts';
import { createCertificate, serveHttp, serveHttps, serveTcp } from './loopback-server.ts';

const USER = { addressFrom: 'user' } as const;
const ADMIN = { addressFrom: 'admin' } as const;
const lookupFails: Lookup = () => Promise.reject(new Error('names are not resolved here'));

const hello = () => during(serveHttp((_request, response) => response.end('hello')));

describe('the guarded fetch with an egress proxy', () => {
  test('verifies https end to end, at a name that only the proxy resolves', async () => {
    const certificate = await createCertificate('tools.example.com');
    const server = await during(serveHttps(certificate, (_request, response) => response.end('hello')));
    const proxy = await serveConnectProxy();
    const { fetch } = guarded({
      policy: 'public',
      egressProxy: proxy.settings,
      lookup: lookupFails,
      trustedCertificates: [certificate.cert],
    });
    const response = await fetch(`https://tools.example.com:${server.port}/path?query`, USER);
    expect(await response.text()).toBe('hello');
    expect(proxy.targets).toEqual([`tools.example.com:${server.port}`]);
    expect(proxy.outcomes).toEqual([{ kind: 'opened' }]);
    // Each connection of the target comes from the proxy, so none was direct.
    expect(server.sockets.map(({ remotePort }) => remotePort)).toEqual(
      proxy.outgoing.map(({ localPort }) => localPort),
    );
  });

  test('does not send to a server behind it whose certificate is not trusted', async () => {
    const server = await during(
      serveHttps(await createCertificate('tools.example.com'), (_request, response) => response.end()),
    );
    const proxy = await serveConnectProxy();
    const { fetch } = guarded({ egressProxy: proxy.settings });
    const failure = await failureOf(fetch(`https://tools.example.com:${server.port}/`, USER));
    expect(failure).toMatchObject({ code: 'tls-failed', sent: false });
  });

  test('reuses one tunnel for many requests, also of plain http', async () => {
    const server = await hello();
    const proxy = await serveConnectProxy();
    const { fetch } = guarded({ egressProxy: proxy.settings });
    for (let request = 0; request < 5; request += 1) {
      expect(await (await fetch(`http://tools.test:${server.port}/`, USER)).text()).toBe('hello');
      await connectionFree();
    }
    expect(proxy.targets).toEqual([`tools.test:${server.port}`]);
  });

  test('sends the proxy its credentials, and the server none of them', async () => {
    const headers: unknown[] = [];
    const server = await during(
      serveHttp((request, response) => {
        headers.push(request.headers);
        response.end();
      }),
    );
    const proxy = await serveConnectProxy({ authorization: 'Basic dTpw' });
    await guarded({ egressProxy: proxy.settings }).fetch(server.url, USER);
    expect(proxy.authorizations).toEqual(['Basic dTpw']);
    expect(JSON.stringify(headers)).not.toMatch(/dTpw|proxy/i);
  });

  test('is reached over TLS itself', async () => {
    const server = await hello();
    const certificate = await createCertificate('localhost');
    const proxy = await serveConnectProxy({ certificate });
    const trusting = guarded({ egressProxy: proxy.settings, trustedCertificates: [certificate.cert] });
    expect(await (await trusting.fetch(server.url, USER)).text()).toBe('hello');
    const failure = await failureOf(guarded({ egressProxy: proxy.settings }).fetch(server.url, USER));
    expect(failure).toMatchObject({ code: 'proxy-failed', sent: false });
    expect(proxy.outcomes.at(-1)).toEqual({ kind: 'unreachable', cause: 'tls-failed' });
  });

  test.each([401, 403, 407, 502])("does not take the proxy's %i for the server's answer", async (status) => {
    const server = await hello();
    const proxy = await serveConnectProxy({ refuseWith: status });
    const { fetch } = guarded({ egressProxy: proxy.settings });
    const failure = await failureOf(fetch(server.url, { ...USER, method: 'POST', body: 'x' }));
    expect(failure).toMatchObject({ code: 'proxy-failed', sent: false });
    expect(proxy.outcomes).toEqual([{ kind: 'refused', target: `localhost:${server.port}`, status }]);
    expect(server.sockets).toHaveLength(0);
  });

  test('does not go around a proxy that is away', async () => {
    const server = await hello();
    const gone = await serveTcp(() => {});
    await gone.close();
    const outcomes: unknown[] = [];
    const egressProxy = { origin: gone.url, report: (outcome: unknown) => outcomes.push(outcome) };
    const failure = await failureOf(guarded({ egressProxy }).fetch(server.url, USER));
    expect(failure).toMatchObject({ code: 'proxy-failed', sent: false });
    expect(outcomes).toEqual([{ kind: 'unreachable', cause: 'connect-refused' }]);
    expect(server.sockets).toHaveLength(0);
  });

  test('ends the wait for a proxy that does not answer', async () => {
    const silent = await during(serveTcp(() => {}));
    const { fetch } = guarded({ egressProxy: { origin: silent.url } });
    const failure = await failureOf(fetch('http://tools.test/', { ...USER, connectTimeoutMs: 50 }));
    expect(failure).toMatchObject({ code: 'connect-timeout', sent: false });
  });

  test.each([
    ['https://127.0.0.1/', ADMIN],
    ['https://169.254.169.254/', ADMIN],
    ['https://[::ffff:169.254.169.254]/', ADMIN],
    ['https://10.0.0.1/', USER],
    ['https://localhost/', ADMIN],
    ['https://localhost.localdomain/', ADMIN],
    ['https://METADATA.google.internal/', ADMIN],
    ['https://wiki/', USER],
    ['https://wiki.corp.internal/', USER],
    ['https://printer.local/', USER],
  ])('asks it for no tunnel to %s of %o', async (url, source) => {
    const proxy = await serveConnectProxy();
    const { fetch } = guarded({ policy: 'public', egressProxy: proxy.settings });
    expect(await failureOf(fetch(url, source))).toMatchObject({ code: 'address-refused', sent: false });
    expect(proxy.targets).toEqual([]);
  });

  test.each([
    ['https://wiki.corp.internal/', 'wiki.corp.internal:443'],
    ['https://10.0.0.1:8443/', '10.0.0.1:8443'],
    ['https://[fd12::1]/', '[fd12::1]:443'],
  ])('asks it for a tunnel to %s of an admin', async (url, target) => {
    const proxy = await serveConnectProxy({ refuseWith: 403 });
    const { fetch } = guarded({ policy: 'public', egressProxy: proxy.settings });
    expect(await failureOf(fetch(url, ADMIN))).toMatchObject({ code: 'proxy-failed' });
    expect(proxy.targets).toEqual([target]);
  });
});
