import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { readRow, readTokens } from '../credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../oidc-fixture.ts';

let stand: OidcFixture;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createOidcFixture();
});

afterAll(() => stand.stop());

beforeEach(async () => {
  key = await stand.connect();
});

const intercept = (
  action: Parameters<OidcFixture['authorizationServer']['control']['interceptTokenRequests']>[0],
) => stand.authorizationServer.control.interceptTokenRequests(action, { accountId: key.userId });

const FIRST = { credentialVersion: 1, tokenVersion: 1 };

describe('a refresh', () => {
  test('rotates the refresh token again and again, and its access tokens are good', async () => {
    for (let tokenVersion = 2; tokenVersion <= 4; tokenVersion += 1) {
      const before = await readTokens(stand, key);
      const versions = { credentialVersion: 1, tokenVersion };
      expect(await stand.renew(key)).toEqual({ kind: 'renewed', versions });
      const after = await readTokens(stand, key);
      expect(after.grant?.refreshToken).not.toBe(before.grant?.refreshToken);
      expect(await stand.isAlive(key)).toBe(true);
    }
    expect(stand.grants(key)).toEqual({ succeeded: 3, failed: 0 });
  });

  test('keeps the refresh token where the server does not rotate', async () => {
    const { grant } = await readTokens(stand, key);
    stand.authorizationServer.control.setRefreshTokenRotation(false);
    try {
      expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
      expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
    } finally {
      stand.authorizationServer.control.setRefreshTokenRotation(true);
    }
    expect((await readTokens(stand, key)).grant).toEqual(grant);
    expect(await stand.isAlive(key)).toBe(true);
  });

  test('of a spent token never happens: depositing it is refused, and the grant lives on', async () => {
    const spent = (await readTokens(stand, key)).grant?.refreshToken ?? '';
    await stand.renew(key);

    await stand.deposit(key, { refreshToken: spent, tokenEndpoint: stand.authorizationServer.tokenEndpoint });

    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
    expect(await stand.isAlive(key)).toBe(true);
  });
});

describe('a user who is asked', () => {
  test('has withdrawn consent', async () => {
    stand.authorizationServer.control.revokeGrants(key.userId);

    const outcome = await stand.renew(key);

    expect(outcome).toEqual({ kind: 'reauth-required', seen: FIRST, reason: 'invalid-grant' });
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'reauth-required', isLeased: false });
  });

  test('has a client that is gone', async () => {
    const { clientId } = await stand.authorizationServer.registerClient({
      redirectUris: ['http://127.0.0.1:9/gone'],
    });
    const { grant } = await readTokens(stand, key);
    await stand.deposit(key, { ...grant, refreshToken: 'another', clientId });
    await stand.authorizationServer.removeClient(clientId);

    expect(await stand.renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });
  });

  test('is told the truth when a rotation was lost on the way', async () => {
    intercept({ do: 'drop-after-processing' });

    const outcome = await stand.renew(key);

    expect(outcome).toEqual({ kind: 'reauth-required', seen: FIRST, reason: 'refresh-outcome-lost' });
    expect(stand.grants(key).succeeded).toBe(1);
  });

  test('heals it with one consent', async () => {
    intercept({ do: 'drop-after-processing' });
    await stand.renew(key);

    await stand.connect(key);

    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
    expect(await stand.isAlive(key)).toBe(true);
  });
});

describe('nobody is asked', () => {
  test('when a request was lost before it was processed', async () => {
    intercept({ do: 'drop-before-processing' });

    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });

    expect(stand.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await stand.isAlive(key)).toBe(true);
  });

  test('when the server is away and comes back', async () => {
    await stand.authorizationServer.control.goOffline();
    expect(await stand.renew(key)).toMatchObject({ kind: 'unavailable' });
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'connected', isLeased: false });

    await stand.authorizationServer.control.goOnline();

    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
  });

  test('when a proxy answers in its place', async () => {
    intercept({ do: 'answer-before-processing', status: 502, body: '<html>Bad Gateway</html>' });

    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });

    expect(stand.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });
});
