import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { recordIntent, takeLease } from '../../../src/credentials/refresh/lease-store.ts';
import { storeRenewal } from '../../../src/credentials/refresh/renewal-store.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import type { CredentialFixture } from '../credential-fixture.ts';
import { patchRow, readRow, readTokens, readVersions } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';
import { json } from '../refresh/scripted-token-endpoint.ts';
import { authorizationServerAt } from './tenant-authorization-server.ts';

const test = credentialTest
  /** Changes the row like a renewal: the current token becomes spent, and `next` current. */
  .extend('rotate', ({ fixture }) => async (key: CredentialKey, next: string): Promise<void> => {
    const lease = { key, id: crypto.randomUUID(), seen: await readVersions(fixture.pool, key) };
    await takeLease(fixture.pool, lease);
    const intent = await recordIntent(fixture.pool, lease);
    const { grant } = await readTokens(fixture, key);
    await storeRenewal(fixture.pool, lease, intent ?? 0, {
      grantJwe: await fixture.vault.seal('grant', key, { ...grant, refreshToken: next }),
      accessTokenJwe: await fixture.vault.seal('access-token', key, 'a2'),
      renewAfterSeconds: undefined,
      scopes: undefined,
      fingerprint: fixture.keyRing.fingerprint(next, key),
      spentFingerprint: fixture.keyRing.fingerprint(grant?.refreshToken ?? '', key),
    });
  })
  .extend('waiter', ({ fixture }) => async (key: CredentialKey, seenVersion: number): Promise<void> => {
    const workflowId = randomBytes(8).toString('hex');
    await registerWaiter(fixture.pool, { ...key, workflowId, stepId: workflowId, seenVersion });
  });

const stored = (version: number, resuming = 0) => ({ kind: 'stored', changed: true, version, resuming });
const unchanged = (version: number, resuming = 0) => ({ ...stored(version, resuming), changed: false });

describe('versions', () => {
  test('the first deposit is version 1', async ({ fixture, key }) => {
    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1));
  });

  test('every new deposit raises the version of credential and token', async ({ fixture, key }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });

    expect(await fixture.deposit(key, { refreshToken: 'r2', accessToken: 'a2' })).toEqual(stored(2));

    expect(await readVersions(fixture.pool, key)).toEqual({ credentialVersion: 2, tokenVersion: 2 });
    expect(await readTokens(fixture, key)).toMatchObject({
      grant: { refreshToken: 'r2' },
      accessToken: 'a2',
    });
  });

  test('versions go on where they were after a disconnect', async ({ fixture, key }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    expect(await disconnectCredential(fixture.pool, key)).toBe(2);

    expect(await fixture.deposit(key, { refreshToken: 'r2' })).toEqual(stored(3));
  });

  test('two first deposits at once make two versions', async ({ fixture, key }) => {
    const outcomes = await Promise.all([
      fixture.deposit(key, { refreshToken: 'r1' }),
      fixture.deposit(key, { refreshToken: 'r2' }),
    ]);

    expect(outcomes).toEqual(expect.arrayContaining([stored(1), stored(2)]));
  });

  test('two first deposits of the same token at once make one version', async ({ fixture, server }) => {
    for (let round = 0; round < 10; round += 1) {
      const other = fixture.newKey(server);
      const outcomes = await Promise.all(Array.from({ length: 3 }, () => fixture.deposit(other, {})));
      expect(outcomes).toEqual(expect.arrayContaining([stored(1), unchanged(1)]));
      expect(outcomes.filter((one) => one.kind === 'stored' && one.changed)).toHaveLength(1);
    }
  });
});

describe('a token that is known', () => {
  test('changes nothing when it is the current one', async ({ fixture, key }) => {
    const deposit = { refreshToken: 'r1', accessToken: 'a1', expiresIn: 60, scopes: 'read' };
    await fixture.deposit(key, deposit);
    const before = await readTokens(fixture, key);

    expect(await fixture.deposit(key, deposit)).toEqual(unchanged(1));

    expect(await readTokens(fixture, key)).toEqual(before);
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', tokenVersion: 1 });
  });

  test('changes nothing once a renewal has spent it', async ({ fixture, key, rotate }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await rotate(key, 'r2');
    await rotate(key, 'r3');

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(1));
    expect(await fixture.deposit(key, { refreshToken: 'r2' })).toEqual(unchanged(1));

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'r3' });
  });

  test('is known after a new key was promoted', async ({ fixture, key, rotate }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await rotate(key, 'r2');
    const rotated = createKeyRing([{ id: 'k2', bytes: randomBytes(32) }, ...fixture.keys]);

    expect(await fixture.deposit(key, { refreshToken: 'r1' }, rotated)).toEqual(unchanged(1));
    expect(await fixture.deposit(key, { refreshToken: 'r2' }, rotated)).toEqual(unchanged(1));
    expect(await fixture.deposit(key, { refreshToken: 'r3' }, rotated)).toEqual(stored(2));
  });

  test('is unknown for another user', async ({ fixture, key, rotate, server }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await rotate(key, 'r2');

    expect(await fixture.deposit(fixture.newKey(server), { refreshToken: 'r1' })).toEqual(stored(1));
  });

  test.for([
    ['client-secret-expired', 2],
    ['undecryptable', 2],
    ['token-rejected', 2],
    ['invalid-client', 2],
    ['refresh-refused', 2],
    ['invalid-grant', 1],
    ['refresh-outcome-lost', 1],
  ] as const)(
    'where the reason is %s, the current one makes version %i',
    async ([reason, version], { fixture, key }) => {
      await fixture.deposit(key, { refreshToken: 'r1' });
      await patchRow(fixture.pool, key, `status = 'reauth-required', reason = '${reason}'`);

      const outcome = version === 2 ? stored(2) : unchanged(1);
      expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(outcome);

      const status = version === 2 ? 'connected' : 'reauth-required';
      expect(await readRow(fixture.pool, key)).toMatchObject({ status });
    },
  );

  test('does not come back after a deposit has replaced it in the middle of its refresh', async ({
    fixture,
    key,
  }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    const lease = { key, id: crypto.randomUUID(), seen: await readVersions(fixture.pool, key) };
    await takeLease(fixture.pool, lease);
    await recordIntent(fixture.pool, lease);
    await fixture.deposit(key, { refreshToken: 'r2' });

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(2));
  });

  test('may come back when a deposit has replaced it at rest', async ({ fixture, key }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await fixture.deposit(key, { refreshToken: 'r2' });

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(stored(3));
  });
});

describe('a deposit that is refused', () => {
  test('names an unregistered server', async ({ fixture, key }) => {
    const outcome = await fixture.deposit({ ...key, mcpServerId: 'nobody' }, {});

    expect(outcome).toEqual({ kind: 'unknown-server' });
    await expect(readRow(fixture.pool, { ...key, mcpServerId: 'nobody' })).rejects.toThrow();
  });

  test.for([{ type: 'none' }, { type: 'bearer', token: 'static' }])(
    'is for a server that takes no OAuth credentials (%o)',
    async (auth, { fixture }) => {
      const key = fixture.newKey(await fixture.register({ auth }));

      expect(await fixture.deposit(key, {})).toMatchObject({ kind: 'refused', field: 'mcpServerId' });

      await expect(readRow(fixture.pool, key)).rejects.toThrow();
    },
  );

  test("has a token endpoint outside the server's own authorization server", async ({ fixture }) => {
    const authorizationServer = await authorizationServerAt(() => json(404, {}));
    const { origin } = new URL(authorizationServer);
    const key = fixture.newKey(await fixture.register({ auth: { type: 'oauth2', authorizationServer } }));

    for (const tokenEndpoint of [
      'http://127.0.0.1:10/token',
      `${origin.replace('http', 'https')}/token`,
      `${origin.replace('127.0.0.1', 'localhost')}/token`,
    ]) {
      const outcome = await fixture.deposit(key, { tokenEndpoint });
      expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
    }

    await expect(readRow(fixture.pool, key)).rejects.toThrow();
    expect(await fixture.deposit(key, { tokenEndpoint: `${origin}/elsewhere` })).toEqual(stored(1));
  });

  test.for([
    ['tokenEndpoint', { tokenEndpoint: 'http://169.254.169.254/token' }],
    ['tokenEndpoint', { tokenEndpoint: 'http://10.0.0.1/token' }],
    ['tokenEndpoint', { tokenEndpoint: 'file:///etc/passwd' }],
    ['issuer', { issuer: 'http://10.0.0.1/' }],
  ] as const)(
    'points to an address that users may not name, as its %s',
    async ([field, deposit], { fixture, key }) => {
      expect(await fixture.deposit(key, deposit)).toMatchObject({ kind: 'refused', field });

      await expect(readRow(fixture.pool, key)).rejects.toThrow();
    },
  );
});

describe('a server that has changed', () => {
  const changes: [string, (own: CredentialFixture, id: string) => Promise<unknown>][] = [
    ['at another address', (own, id) => own.register({ url: 'http://127.0.0.1:9/other' }, id)],
    [
      'with another issuer',
      (own, id) => own.register({ auth: { type: 'oauth2', authorizationServer: 'http://127.0.0.1:9' } }, id),
    ],
    [
      'deleted and registered again',
      async (own, id) => {
        await own.servers.remove(id);
        await own.register({}, id);
      },
    ],
  ];

  test.for(changes)('%s: the same token makes a new version', async ([_how, change], { fixture }) => {
    const key = fixture.newKey(await fixture.register());
    await fixture.deposit(key, { refreshToken: 'r1' });
    await change(fixture, key.mcpServerId);
    const renew = async () => fixture.renewal.renew(key, await readVersions(fixture.pool, key));
    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'server-changed' });

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(stored(2));

    expect(await renew()).toMatchObject({ kind: 'unavailable' });
  });
});

describe('waiting steps', () => {
  test('are resumed only when they saw an older version', async ({ fixture, key, server, waiter }) => {
    await waiter(key, 0);
    await waiter(key, 0);
    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1, 2));
    expect(fixture.resumptions.splice(0)).toEqual([{ ...key, version: 1 }]);

    const other = fixture.newKey(server);
    await waiter(other, 7);
    expect(await fixture.deposit(other, { refreshToken: 'r1' })).toEqual(stored(1, 0));
    expect(fixture.resumptions).toEqual([]);
  });

  test('of other users and servers are not resumed', async ({ fixture, key, server, waiter }) => {
    await waiter(fixture.newKey(server), 0);
    await waiter({ ...key, mcpServerId: 'another' }, 0);

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1, 0));
  });

  test('whose resumption was lost are resumed by the same deposit again', async ({
    fixture,
    key,
    waiter,
  }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await waiter(key, 0);

    expect(await fixture.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(1, 1));

    expect(fixture.resumptions.splice(0)).toEqual([{ ...key, version: 1 }]);
  });
});
