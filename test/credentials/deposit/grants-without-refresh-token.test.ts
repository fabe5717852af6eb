import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { readAccess } from '../../../src/credentials/access.ts';
import { depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import type { GrantDeposit } from '../../../src/credentials/deposit/deposited-grant.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { takeIdleGrants } from '../../../src/credentials/retirement/idle-grant-store.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { TOKEN_ENDPOINT } from '../credential-fixture.ts';
import { patchRow, readRenewAfter, readRow, readTokens, readVersions } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const stored = (version: number) => ({ kind: 'stored', changed: true, version });

const test = credentialTest
  /** Stores what a consent in the browser brought. */
  .extend('store', ({ fixture }) => (key: CredentialKey, grant: Partial<GrantDeposit>) => {
    const { pool, vault, keyRing, dependencies, resumptions } = fixture;
    return depositCredential(
      {
        pool,
        vault,
        keyRing,
        authorizationServers: dependencies.authorizationServers,
        refuseAddress: () => undefined,
        startResumption: async (of, version) => void resumptions.push({ ...of, version }),
      },
      key.userId,
      { mcpServerId: key.mcpServerId, tokenEndpoint: TOKEN_ENDPOINT, ...grant },
    );
  })
  .extend('withoutRefreshToken', async ({ key, store }) => {
    expect(await store(key, { accessToken: 'a1', expiresIn: 100 })).toMatchObject(stored(1));
    return key;
  });

describe('a grant without a refresh token', () => {
  test('works, without a margin, until its access token expires', async ({
    fixture,
    withoutRefreshToken,
  }) => {
    const access = await readAccess(fixture.dependencies, withoutRefreshToken);
    expect(access).toMatchObject({ kind: 'ready', bearerToken: 'a1' });
    expect(await readRow(fixture.pool, withoutRefreshToken)).toMatchObject({ status: 'connected' });
    expect(await readRenewAfter(fixture.pool, withoutRefreshToken)).toBeGreaterThanOrEqual(98);
  });

  test('needs its user once the access token has expired', async ({ fixture, withoutRefreshToken: key }) => {
    const past = "clock_timestamp() - interval '1 second'";
    await patchRow(fixture.pool, key, `renew_after = ${past}, expires_at = ${past}`);
    expect(await readAccess(fixture.dependencies, key)).toMatchObject({ kind: 'token-stale' });

    const outcome = await fixture.renewal.renew(key, await readVersions(fixture.pool, key));

    expect(outcome).toMatchObject({ kind: 'reauth-required', reason: 'no-refresh-token' });
    expect(await readRow(fixture.pool, key)).toMatchObject({ reason: 'no-refresh-token', isLeased: false });
    expect(fixture.outbound).toEqual([]);
  });

  test('wakes the waiting steps, and is replaced by the next consent', async ({ fixture, key, store }) => {
    await registerWaiter(fixture.pool, { ...key, workflowId: key.userId, stepId: 's', seenVersion: 0 });

    expect(await store(key, { accessToken: 'a1' })).toMatchObject({ ...stored(1), resuming: 1 });
    expect(await store(key, { accessToken: 'a2' })).toMatchObject(stored(2));
    expect(await store(key, { accessToken: 'a3', refreshToken: 'r3' })).toMatchObject(stored(3));
    expect(await store(key, { accessToken: 'a4' })).toMatchObject(stored(4));

    expect(await readTokens(fixture, key)).toMatchObject({ accessToken: 'a4' });
    expect((await readTokens(fixture, key)).grant).not.toHaveProperty('refreshToken');
    expect(await readAccess(fixture.dependencies, key)).toMatchObject({ bearerToken: 'a4' });
  });

  test('can be followed by one with a refresh token, also after a repair', async ({
    fixture,
    store,
    withoutRefreshToken: key,
  }) => {
    // `latchkey repair` marks every token that may have been used as one.
    await patchRow(fixture.pool, key, 'grant_seq = stored_seq + 1');
    expect(await store(key, { accessToken: 'a2' })).toMatchObject(stored(2));
    expect(await store(key, { refreshToken: 'r1' })).toMatchObject(stored(3));
    await patchRow(fixture.pool, key, 'spent_fingerprints = ARRAY[NULL]::text[]');
    expect(await store(key, { refreshToken: 'r2' })).toMatchObject(stored(4));
  });

  test('is not renewed for idleness', async ({ fixture, key, store }) => {
    const server = await fixture.register({ auth: { type: 'oauth2', idleLimit: '30 days' } });
    const without = { ...key, mcpServerId: server.id };
    const withToken = fixture.newKey(server);
    await store(without, { accessToken: 'a1' });
    await store(withToken, { accessToken: 'a1', refreshToken: 'r1' });
    for (const one of [without, withToken]) {
      await patchRow(fixture.pool, one, "grant_used_at = now() - interval '29 days'");
    }

    const taken = await takeIdleGrants(fixture.pool, server.id, { again: false, limit: 10 });

    expect(taken.map((grant) => grant.key)).toEqual([withToken]);
  });

  test('can be disconnected and connected again', async ({ fixture, store, withoutRefreshToken: key }) => {
    expect(await disconnectCredential(fixture.pool, key)).toBe(2);
    expect(await store(key, { accessToken: 'a1' })).toMatchObject(stored(3));
  });
});
