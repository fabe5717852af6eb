import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { createTokenVerifier } from '../../src/http/token-verifier.ts';
import { createKeyFetch } from '../../src/process/key-fetch.ts';
import { serveConnectProxy } from '../net/connect-proxy.ts';
import { createHttpFixture } from './http-fixture.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'latchkey';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface KeyServer {
  url: string;
  requests(): number;
  stop(): Promise<void>;
}

/** Publishes keys as an issuer does. */
async function serveKeys(body: () => unknown, status = 200): Promise<KeyServer> {
  let requests = 0;
  const server: Server = createServer((_request, response) => {
    requests++;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // The cast is safe: it listens on TCP.
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  closing.push(stop);
  return { url: `http://127.0.0.1:${port}/jwks.json`, requests: () => requests, stop };
}

async function keyPair(alg: string, kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg, ...(kid !== undefined && { kid }) };
  const sign = (claims: Record<string, unknown> = {}) =>
    new SignJWT({
      sub: 'alice',
      iss: ISSUER,
      aud: AUDIENCE,
      exp: Math.floor(Date.now() / 1000) + 60,
      ...claims,
    })
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
      .sign(privateKey);
  return { jwk, sign, publicKey };
}

const verifierAt = (url: string) =>
  createTokenVerifier({ kind: 'jwks', url, issuer: ISSUER, audience: AUDIENCE, userClaim: 'sub' });

const ALICE = {
  kind: 'verified',
  caller: { userId: 'alice', isAdmin: false, seesContent: false, mayActForUsers: false },
};

describe("a token that an issuer's key signed", () => {
  test.each(['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'])('is accepted under %s', async (alg) => {
    const { jwk, sign } = await keyPair(alg, 'k1');
    const { url } = await serveKeys(() => ({ keys: [jwk] }));
    expect(await verifierAt(url)(await sign())).toEqual(ALICE);
  });

  test('is accepted by one of several keys without a kid', async () => {
    const [one, two] = [await keyPair('ES256'), await keyPair('ES256')];
    const { url } = await serveKeys(() => ({ keys: [one.jwk, two.jwk] }));
    const verify = verifierAt(url);
    expect(await verify(await one.sign())).toEqual(ALICE);
    expect(await verify(await two.sign())).toEqual(ALICE);
    expect(await verify(await (await keyPair('ES256')).sign())).toMatchObject({ kind: 'invalid' });
  });

  test('is refused from another issuer, for another audience, and without either claim', async () => {
    const { jwk, sign } = await keyPair('ES256', 'k1');
    const { url } = await serveKeys(() => ({ keys: [jwk] }));
    const verify = verifierAt(url);
    for (const claims of [
      { iss: 'https://other.example' },
      { iss: undefined },
      { aud: 'other' },
      { aud: undefined },
      { exp: undefined },
    ]) {
      expect(await verify(await sign(claims))).toMatchObject({ kind: 'invalid' });
    }
    expect(await verify(await sign({ aud: ['other', AUDIENCE] }))).toEqual(ALICE);
  });

  test('is refused when a key signed it that the issuer does not publish', async () => {
    const published = await keyPair('ES256', 'k1');
    const { url, requests } = await serveKeys(() => ({ keys: [published.jwk] }));
    const verify = verifierAt(url);
    expect(await verify(await (await keyPair('ES256', 'k1')).sign())).toMatchObject({ kind: 'invalid' });
    for (let i = 0; i < 5; i++) {
      expect(await verify(await (await keyPair('ES256', `made-up-${i}`)).sign())).toMatchObject({
        kind: 'invalid',
      });
    }
    // Unknown key ids do not cause a request to the issuer each time.
    expect(requests()).toBe(1);
  });

  test('is refused when its public key was used as the secret of an HMAC', async () => {
    const { jwk, publicKey } = await keyPair('RS256', 'k1');
    const { url } = await serveKeys(() => ({ keys: [jwk] }));
    const confused = await new SignJWT({ sub: 'alice', iss: ISSUER, aud: AUDIENCE, exp: 9_999_999_999 })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode(await exportSPKI(publicKey)));
    expect(await verifierAt(url)(confused)).toMatchObject({ kind: 'invalid' });
  });
});

describe('an issuer behind an egress proxy', () => {
  test('is asked for its keys through the proxy, and not directly', async () => {
    const { jwk, sign } = await keyPair('ES256', 'k1');
    const { url, requests } = await serveKeys(() => ({ keys: [jwk] }));
    const verifierBehind = async (refuseWith?: number) => {
      const proxy = await serveConnectProxy(refuseWith === undefined ? {} : { refuseWith });
      const { fetch: fetchKeys, close } = createKeyFetch(proxy.settings);
      closing.push(close);
      return createTokenVerifier({
        kind: 'jwks',
        url,
        issuer: ISSUER,
        audience: AUDIENCE,
        userClaim: 'sub',
        fetchKeys,
      });
    };
    expect(await (await verifierBehind(407))(await sign())).toMatchObject({ kind: 'keys-unavailable' });
    expect(requests()).toBe(0);
    expect(await (await verifierBehind())(await sign())).toMatchObject(ALICE);
    expect(requests()).toBe(1);
  });
});

describe('an issuer whose keys cannot be read', () => {
  test.each([
    ['answers an error', () => ({}), 500],
    ['answers no key set', () => ({ nothing: true }), 200],
  ])('leaves the token unjudged when it %s', async (_what, body, status) => {
    const { sign } = await keyPair('ES256', 'k1');
    const { url } = await serveKeys(body, status);
    expect(await verifierAt(url)(await sign())).toMatchObject({ kind: 'keys-unavailable' });
  });

  test('makes the API answer 503, and lets callers in again once it is back', async () => {
    const { jwk, sign } = await keyPair('ES256', 'k1');
    let isBack = false;
    const { url } = await serveKeys(() => (isBack ? { keys: [jwk] } : {}));
    const fixture = await createHttpFixture({
      http: { jwt: { kind: 'jwks', url, issuer: ISSUER, audience: AUDIENCE, userClaim: 'sub' } },
    });
    closing.push(() => fixture.close());
    const ask = async () =>
      fixture.ask({ url: '/steps', user: null, headers: { authorization: `Bearer ${await sign()}` } });
    const answer = await ask();
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('token-keys-unavailable');
    expect(answer.headers['retry-after']).toBeDefined();
    isBack = true;
    expect((await ask()).statusCode).toBe(200);
  });

  test('leaves the token unjudged when nothing listens', async () => {
    const { sign } = await keyPair('ES256', 'k1');
    const server = await serveKeys(() => ({}));
    await server.stop();
    expect(await verifierAt(server.url)(await sign())).toMatchObject({ kind: 'keys-unavailable' });
  });
});
