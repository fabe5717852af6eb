import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { vetDeposit } from '../../../src/credentials/deposit/vet-deposit.ts';
import { NetworkError } from '../../../src/net/network.ts';
import type { CredentialFixture } from '../credential-fixture.ts';
import { readRow, readVersions } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';
import { cut, json, raw, type TokenReply } from '../refresh/scripted-token-endpoint.ts';
import { authorizationServerAt } from './tenant-authorization-server.ts';

const test = credentialTest.extend(
  'registerFor',
  ({ fixture }) =>
    async (metadata: (issuer: string) => TokenReply): Promise<CredentialKey> => {
      const authorizationServer = await authorizationServerAt(metadata);
      return fixture.newKey(await fixture.register({ auth: { type: 'oauth2', authorizationServer } }));
    },
);

const stored = (version: number, resuming = 0) => ({ kind: 'stored', changed: true, version, resuming });

describe('a token endpoint of another origin than the registered authorization server', () => {
  const ELSEWHERE = 'http://127.0.0.1:9/oauth/token?v=2';
  const naming = (token_endpoint: string) => (issuer: string) => json(200, { issuer, token_endpoint });

  test.for([ELSEWHERE, 'HTTP://127.0.0.1:9/oauth/token?v=2'])(
    'is accepted when the metadata name it, and renewals go there (%s)',
    async (tokenEndpoint, { fixture, registerFor }) => {
      const key = await registerFor(naming(ELSEWHERE));

      expect(await fixture.deposit(key, { tokenEndpoint, clientId: 'c' })).toEqual(stored(1));

      const outcome = await fixture.renewal.renew(key, await readVersions(fixture.pool, key));
      expect(outcome).toMatchObject({ kind: 'unavailable', cause: 'connect-refused' });
      expect(fixture.outbound.at(-1)).toMatchObject({ url: ELSEWHERE });
    },
  );

  test.for([
    ['another path', 'http://127.0.0.1:9/other'],
    ['another query', 'http://127.0.0.1:9/oauth/token'],
    ['another port', 'http://127.0.0.1:10/oauth/token?v=2'],
    ['another scheme', 'https://127.0.0.1:9/oauth/token?v=2'],
  ] as const)(
    'is refused when the metadata name one with %s',
    async ([_what, named], { fixture, registerFor }) => {
      const key = await registerFor(naming(named));

      const outcome = await fixture.deposit(key, { tokenEndpoint: ELSEWHERE });

      expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
      await expect(readRow(fixture.pool, key)).rejects.toThrow();
    },
  );

  test.for([
    ['it publishes none', () => json(404, {})],
    ['they are not valid', () => raw(200, '<html>', { 'content-type': 'text/html' })],
    ['they are of another issuer', () => json(200, { issuer: 'https://x', token_endpoint: ELSEWHERE })],
  ] as const)('is refused when %s', async ([_what, metadata], { fixture, registerFor }) => {
    const key = await registerFor(metadata);

    const outcome = await fixture.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });

  test('is accepted when users may not name it, because an admin vouches for the metadata', async ({
    fixture,
    registerFor,
  }) => {
    const tokenEndpoint = 'http://10.0.0.1/token';
    const key = await registerFor(naming(tokenEndpoint));

    expect(await fixture.deposit(key, { tokenEndpoint })).toEqual(stored(1));

    const asked: [string, string][] = [];
    const { renewal } = fixture.anotherProcess({
      guardedFetch: async (url, { addressFrom }) => {
        asked.push([String(url), addressFrom]);
        throw new NetworkError('connect-refused', false);
      },
    });
    await renewal.renew(key, await readVersions(fixture.pool, key));
    expect(asked).toEqual([[tokenEndpoint, 'admin']]);
  });

  test('is accepted with the issuer that an admin registered, also where users may not name that', async ({
    fixture,
  }) => {
    const authorizationServer = 'http://10.0.0.1';
    const server = await fixture.register({ auth: { type: 'oauth2', authorizationServer } });
    const deposit = { mcpServerId: server.id, tokenEndpoint: ELSEWHERE };
    const named = { authorizationServer, tokenEndpoint: ELSEWHERE };
    const vet = (issuer: string) => vetDeposit(server, { ...deposit, issuer }, named, () => 'refused');

    expect(vet(authorizationServer)).toEqual({ kind: 'accepted' });
    expect(vet('http://10.0.0.2')).toMatchObject({ kind: 'refused', field: 'issuer' });
  });

  test('is refused when users may not name it and the metadata name another', async ({
    fixture,
    registerFor,
  }) => {
    const key = await registerFor(naming(ELSEWHERE));

    const outcome = await fixture.deposit(key, { tokenEndpoint: 'http://10.0.0.1/token' });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });

  test('does not matter to a deposit for a connected account that is left alone', async ({ fixture }) => {
    const authorizationServer = await authorizationServerAt(() => raw(503, ''));
    const key = fixture.newKey(await fixture.register({ auth: { type: 'oauth2', authorizationServer } }));
    expect(await fixture.deposit(key, { tokenEndpoint: `${authorizationServer}/token` })).toEqual(stored(1));
    const outcome = await fixture.deposit(key, { tokenEndpoint: ELSEWHERE, onlyIfAbsent: true });
    expect(outcome).toEqual({ kind: 'already-connected' });
  });

  test.for([
    ['a 503', raw(503, '')],
    ['a 429', raw(429, '')],
    ['a cut connection', cut()],
  ] as const)(
    'is unavailable and stores nothing when the metadata request gets %s',
    async ([_what, reply], { fixture, registerFor }) => {
      let isDown = true;
      const key = await registerFor((issuer) => (response, request) => {
        const answer = isDown ? reply : naming(ELSEWHERE)(issuer);
        answer(response, request);
      });

      const outcome = await fixture.deposit(key, { tokenEndpoint: ELSEWHERE });

      expect(outcome).toMatchObject({ kind: 'unavailable', cause: expect.stringMatching(/^metadata-/) });
      await expect(readRow(fixture.pool, key)).rejects.toThrow();
      isDown = false;
      expect(await fixture.deposit(key, { tokenEndpoint: ELSEWHERE })).toEqual(stored(1));
    },
  );

  test('is judged by the registration at the time of the write', async ({ fixture, registerFor }) => {
    const other = await authorizationServerAt(naming('http://127.0.0.1:9/another'));
    const key: CredentialKey = await registerFor((issuer) => async (response, request) => {
      await fixture.register({ auth: { type: 'oauth2', authorizationServer: other } }, key.mcpServerId);
      naming(ELSEWHERE)(issuer)(response, request);
    });

    const outcome = await fixture.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });
});

describe('a registered token endpoint', () => {
  const REGISTERED = 'http://127.0.0.1:9/oauth/token';
  const register = (fixture: CredentialFixture, auth: object = {}) =>
    fixture.register({ auth: { type: 'oauth2', tokenEndpoint: REGISTERED, ...auth } });

  test('is accepted without metadata, and so is another one of its origin', async ({ fixture }) => {
    for (const tokenEndpoint of [REGISTERED, 'http://127.0.0.1:9/other']) {
      const key = fixture.newKey(await register(fixture));
      expect(await fixture.deposit(key, { tokenEndpoint })).toEqual(stored(1));
    }
  });

  test('may be where no user may point, because the admin vouches for it', async ({ fixture }) => {
    const tokenEndpoint = 'http://10.0.0.1/token';
    const key = fixture.newKey(await register(fixture, { tokenEndpoint }));

    expect(await fixture.deposit(key, { tokenEndpoint })).toEqual(stored(1));
    const unregistered = fixture.newKey(await fixture.register());
    expect(await fixture.deposit(unregistered, { tokenEndpoint })).toMatchObject({ kind: 'refused' });
  });

  test('refuses every other origin, whatever metadata say', async ({ fixture }) => {
    const tokenEndpoint = 'http://127.0.0.1:10/token';
    const named = (issuer: string) => json(200, { issuer, token_endpoint: tokenEndpoint });
    const authorizationServer = await authorizationServerAt(named);
    for (const auth of [{}, { authorizationServer }]) {
      const key = fixture.newKey(await register(fixture, auth));
      const outcome = await fixture.deposit(key, { tokenEndpoint });
      expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
    }
  });
});
