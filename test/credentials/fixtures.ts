import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { type Lease, takeLease } from '../../src/credentials/refresh/lease-store.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { closedAfter } from '../support/closed-after.ts';
import { createCredentialFixture } from './credential-fixture.ts';
import { readVersions } from './credential-row.ts';
import { createOidcFixture } from './oidc-fixture.ts';
import { startScriptedTokenEndpoint } from './refresh/scripted-token-endpoint.ts';

/** Tests of one user's credential: a database and a server for the file, a new user for each test. */
export const credentialTest = test
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(createCredentialFixture, (fixture) => fixture.stop()),
  )
  .extend('server', { scope: 'file' }, ({ fixture }) => fixture.register())
  .extend('key', ({ fixture, server }) => fixture.newKey(server));

/** The same with a token endpoint for each test: authorization server metadata is cached by origin. */
export const endpointTest = credentialTest.extend(
  'endpoint',
  closedAfter(startScriptedTokenEndpoint, (endpoint) => endpoint.stop()),
);

/** Tests of the lease on one credential: the user has deposited `r1`. */
export const leaseTest = credentialTest
  .extend('key', async ({ fixture, server }) => {
    const key = fixture.newKey(server);
    await fixture.deposit(key, { refreshToken: 'r1' });
    return key;
  })
  .extend(
    'newLease',
    ({ key, fixture }) =>
      async (): Promise<Lease> => ({
        key,
        id: randomUUID(),
        seen: await readVersions(fixture.pool, key),
      }),
  )
  .extend('takenLease', ({ newLease, fixture }) => async (): Promise<Lease> => {
    const lease = await newLease();
    expect(await takeLease(fixture.pool, lease)).toBeDefined();
    return lease;
  });

/** Tests of a renewal: the user has deposited `r1` and `a1` for the scripted token endpoint. */
export const renewalTest = endpointTest
  .extend('key', async ({ fixture, server, endpoint }) => {
    const key = fixture.newKey(server);
    await fixture.deposit(key, { refreshToken: 'r1', accessToken: 'a1', tokenEndpoint: endpoint.url });
    return key;
  })
  /** Renews with the stored versions as the ones that failed. */
  .extend(
    'renew',
    ({ fixture, key }) =>
      async (renewal = fixture.renewal) =>
        renewal.renew(key, await readVersions(fixture.pool, key)),
  );

/** Tests of what a renewal sends for a given deposit: the test deposits. */
export const variantTest = endpointTest
  .extend(
    'renew',
    ({ fixture }) =>
      async (key: CredentialKey) =>
        fixture.renewal.renew(key, await readVersions(fixture.pool, key)),
  )
  .extend(
    'deposit',
    ({ fixture, endpoint }) =>
      (key: CredentialKey, more: Partial<Deposit>) =>
        fixture.deposit(key, { refreshToken: 'r1', accessToken: 'a1', tokenEndpoint: endpoint.url, ...more }),
  )
  /** The requests to the token endpoint. */
  .extend(
    'requests',
    ({ endpoint }) =>
      () =>
        endpoint.seen.filter(({ path }) => path === '/token'),
  );

/** Tests against a real authorization server: each has a new user who has consented and deposited. */
export const oidcTest = test
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(createOidcFixture, (fixture) => fixture.stop()),
  )
  .extend('key', ({ fixture }) => fixture.connect());
