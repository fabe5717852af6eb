import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { addresses, during, failureOf, guarded } from './guarded-fetch-fixture.ts';
import { createCertificate, serveHttp, serveHttps } from './loopback-server.ts';

const USER = { addressFrom: 'user' } as const;
const DAY = 86_400_000;

describe('the guarded fetch over TLS', () => {
  test('asks for, verifies and names the host although it connects to a checked address', async () => {
    const certificate = await createCertificate('auth.test');
    const server = await during(
      serveHttps(certificate, (request, response) => {
        // An HTTPS server's sockets are TLS sockets; the type of a request does not say so.
        const { servername } = request.socket as TLSSocket & { servername: string };
        response.end(`${servername} ${request.headers.host} ${request.httpVersion}`);
      }),
    );
    const { fetch } = guarded({
      lookup: async () => addresses('127.0.0.1'),
      trustedCertificates: [certificate.cert],
    });
    const response = await fetch(`https://auth.test:${server.port}/`, USER);
    expect(await response.text()).toBe(`auth.test auth.test:${server.port} 1.1`);
  });

  const past = { from: new Date(Date.now() - 2 * DAY), until: new Date(Date.now() - DAY) };
  test.each([
    ['nobody vouches for', 'localhost', {}, false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['has expired', 'localhost', past, true, 'CERT_HAS_EXPIRED'],
    ['names another host', 'other.test', {}, true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('does not send to a server whose certificate %s', async (_what, host, validity, trusted, code) => {
    const certificate = await createCertificate(host, validity);
    let requests = 0;
    const server = await during(
      serveHttps(certificate, (_request, response) => {
        requests += 1;
        response.end();
      }),
    );
    const { fetch } = guarded(trusted ? { trustedCertificates: [certificate.cert] } : {});
    const failure = await failureOf(fetch(server.url, { ...USER, method: 'POST', body: 'secret' }));
    expect(failure).toMatchObject({ code: 'tls-failed', sent: false, cause: { code } });
    expect(requests).toBe(0);
  });

  test('does not send to a server that speaks no TLS', async () => {
    const server = await during(serveHttp((_request, response) => response.end()));
    const failure = await failureOf(guarded().fetch(`https://localhost:${server.port}/`, USER));
    expect(failure).toMatchObject({ code: 'tls-failed', sent: false });
  });
});
