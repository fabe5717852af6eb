import { describe, expect } from 'vitest';
import { readRow, readTokens } from '../credential-row.ts';
import { oidcTest } from '../fixtures.ts';
import type { OidcFixture } from '../oidc-fixture.ts';

const test = oidcTest.extend(
  'intercept',
  ({ fixture, key }) =>
    (action: Parameters<OidcFixture['authorizationServer']['control']['interceptTokenRequests']>[0]) =>
      fixture.authorizationServer.control.interceptTokenRequests(action, { accountId: key.userId }),
);

const FIRST = { credentialVersion: 1, tokenVersion: 1 };

describe('a refresh', () => {
  test('rotates the refresh token again and again, and its access tokens are good', async ({
    fixture,
    key,
  }) => {
    for (let tokenVersion = 2; tokenVersion <= 4; tokenVersion += 1) {
      const before = await readTokens(fixture, key);
      const versions = { credentialVersion: 1, tokenVersion };
      expect(await fixture.renew(key)).toEqual({ kind: 'renewed', versions });
      const after = await readTokens(fixture, key);
      expect(after.grant?.refreshToken).not.toBe(before.grant?.refreshToken);
      expect(await fixture.isAlive(key)).toBe(true);
    }
    expect(fixture.grants(key)).toEqual({ succeeded: 3, failed: 0 });
  });

  test('keeps the refresh token where the server does not rotate', async ({ fixture, key }) => {
    const { grant } = await readTokens(fixture, key);
    fixture.authorizationServer.control.setRefreshTokenRotation(false);
    try {
      expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
      expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
    } finally {
      fixture.authorizationServer.control.setRefreshTokenRotation(true);
    }
    expect((await readTokens(fixture, key)).grant).toEqual(grant);
    expect(await fixture.isAlive(key)).toBe(true);
  });

  test('is never made with a spent token: its deposit is refused, and the grant survives', async ({
    fixture,
    key,
  }) => {
    const spent = (await readTokens(fixture, key)).grant?.refreshToken ?? '';
    await fixture.renew(key);

    await fixture.deposit(key, {
      refreshToken: spent,
      tokenEndpoint: fixture.authorizationServer.tokenEndpoint,
    });

    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
    expect(await fixture.isAlive(key)).toBe(true);
  });
});

describe('a user who is asked', () => {
  test('has withdrawn consent', async ({ fixture, key }) => {
    fixture.authorizationServer.control.revokeGrants(key.userId);

    const outcome = await fixture.renew(key);

    expect(outcome).toEqual({ kind: 'reauth-required', seen: FIRST, reason: 'invalid-grant' });
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'reauth-required', isLeased: false });
  });

  test('has a client that is gone', async ({ fixture, key }) => {
    const { clientId } = await fixture.authorizationServer.registerClient({
      redirectUris: ['http://127.0.0.1:9/gone'],
    });
    const { grant } = await readTokens(fixture, key);
    await fixture.deposit(key, { ...grant, refreshToken: 'another', clientId });
    await fixture.authorizationServer.removeClient(clientId);

    expect(await fixture.renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });
  });

  test('is told refresh-outcome-lost when the answer to a rotation was lost', async ({
    fixture,
    intercept,
    key,
  }) => {
    intercept({ do: 'drop-after-processing' });

    const outcome = await fixture.renew(key);

    expect(outcome).toEqual({ kind: 'reauth-required', seen: FIRST, reason: 'refresh-outcome-lost' });
    expect(fixture.grants(key).succeeded).toBe(1);
  });

  test('repairs it with one consent', async ({ fixture, intercept, key }) => {
    intercept({ do: 'drop-after-processing' });
    await fixture.renew(key);

    await fixture.connect(key);

    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
    expect(await fixture.isAlive(key)).toBe(true);
  });
});

describe('no user is asked', () => {
  test('when a request was lost before it was processed', async ({ fixture, intercept, key }) => {
    intercept({ do: 'drop-before-processing' });

    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await fixture.isAlive(key)).toBe(true);
  });

  test('when the server is away and comes back', async ({ fixture, key }) => {
    await fixture.authorizationServer.control.goOffline();
    expect(await fixture.renew(key)).toMatchObject({ kind: 'unavailable' });
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', isLeased: false });

    await fixture.authorizationServer.control.goOnline();

    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
  });

  test('when a proxy answers in its place', async ({ fixture, intercept, key }) => {
    intercept({ do: 'answer-before-processing', status: 502, body: '<html>Bad Gateway</html>' });

    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });
});
