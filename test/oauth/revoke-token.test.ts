import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type RevocationOutcome, revokeToken } from '../../src/oauth/revoke-token.ts';
import { during, guarded } from '../net/guarded-fetch-fixture.ts';
import { serveHttp } from '../net/loopback-server.ts';

const DRIP_MS = 20;
const DEADLINE_MS = 200;

/** Sends the head and then one byte after the other, without an end. */
function drip(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), DRIP_MS);
  response.on('close', () => clearInterval(timer));
}

describe('a revocation endpoint whose answers drip in', () => {
  test.each([400, 401])(
    'holds a revocation only until its deadline, and is tried again: %i',
    async (status) => {
      let requests = 0;
      const server = await during(
        serveHttp((_request, response) => {
          requests += 1;
          drip(response, status);
        }),
      );

      expect(await revoke(server.url, DEADLINE_MS)).toBe('failed');

      expect(requests).toBe(1);
      await expect.poll(() => server.sockets.every((socket) => socket.closed)).toBe(true);
    },
  );

  test('has its one deadline for the requests with all methods of authentication', async () => {
    let requests = 0;
    const server = await during(
      serveHttp((_request, response) => {
        requests += 1;
        if (requests === 1) response.writeHead(401).end('{"error":"invalid_client"}');
        else drip(response, 400);
      }),
    );

    expect(await revoke(server.url, DEADLINE_MS)).toBe('failed');
    expect(requests).toBe(2);
  });

  test('has revoked the token when the head of its answer says so', async () => {
    const server = await during(serveHttp((_request, response) => drip(response, 200)));
    expect(await revoke(server.url, 10_000)).toBe('revoked');
  });
});

function revoke(revocationEndpoint: string, timeoutMs: number): Promise<RevocationOutcome> {
  return revokeToken(
    guarded().fetch,
    {
      revocationEndpoint,
      addressFrom: 'admin',
      token: 'r1',
      tokenType: 'refresh_token',
      clientId: 'c',
      clientSecret: 's',
      isMethodAssumed: true,
    },
    timeoutMs,
  );
}
