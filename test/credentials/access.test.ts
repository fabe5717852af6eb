import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { readAccess } from '../../src/credentials/access.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';
import { patchRow, readVersions } from './credential-row.ts';
import { endpointTest } from './fixtures.ts';
import { tokens } from './refresh/scripted-token-endpoint.ts';

const test = endpointTest
  .extend(
    'access',
    ({ fixture }) =>
      (key: CredentialKey, justRenewed?: number) =>
        readAccess({ db: fixture.pool, vault: fixture.vault }, key, justRenewed),
  )
  .extend(
    'connect',
    ({ fixture, endpoint }) =>
      (key: CredentialKey, expiresIn?: number) =>
        fixture.deposit(key, {
          tokenEndpoint: endpoint.url,
          accessToken: 'a1',
          ...(expiresIn !== undefined && { expiresIn }),
        }),
  );

const seen = { credentialVersion: 1, tokenVersion: 1 };
const READY = { kind: 'ready', bearerToken: 'a1', versions: seen };
const STALE = { kind: 'token-stale', seen };

describe('an access token', () => {
  test.for([
    [3_600, 3_530, 3_550],
    [240, 170, 190],
    [100, 65, 85],
    [30, 12, 33],
  ] as const)(
    'of %i s is good for %i s and due after %i s, by the clock of the database',
    async ([lifetime, good, due], { access, connect, fixture, key }) => {
      await connect(key, lifetime);
      expect(await access(key)).toMatchObject(READY);
      await fixture.databaseClock.advance(good);
      expect(await access(key)).toMatchObject(READY);

      await fixture.databaseClock.advance(due - good);

      expect(await access(key)).toEqual(STALE);
    },
  );

  test('without a stated lifetime is good until a 401', async ({ access, connect, fixture, key }) => {
    await connect(key);
    await fixture.databaseClock.advance(365 * 86_400);

    expect(await access(key)).toMatchObject(READY);
  });

  test('that was just renewed is used once, even if it expires at once', async ({
    access,
    connect,
    endpoint,
    fixture,
    key,
  }) => {
    await connect(key);
    endpoint.answer(tokens({ expires_in: 0 }));
    const outcome = await fixture.renewal.renew(key, seen);
    expect(outcome).toMatchObject({ kind: 'renewed', versions: { tokenVersion: 2 } });

    expect(await access(key, 2)).toMatchObject({ kind: 'ready', bearerToken: 'a2' });

    const newer = { credentialVersion: 1, tokenVersion: 2 };
    expect(await access(key)).toEqual({ kind: 'token-stale', seen: newer });
    expect(await access(key, 3)).toEqual({ kind: 'token-stale', seen: newer });
  });

  test('that another process has renewed since is used like one that was just renewed', async ({
    access,
    connect,
    endpoint,
    fixture,
    key,
  }) => {
    await connect(key);
    endpoint.answer(tokens({ expires_in: 0 }));
    await fixture.renewal.renew(key, seen);

    expect(await access(key, 1)).toMatchObject({ kind: 'ready', bearerToken: 'a2' });
  });

  test('that was never deposited is stale, even after a renewal', async ({ access, fixture, key }) => {
    await fixture.deposit(key, {});

    expect(await access(key)).toEqual(STALE);
    expect(await access(key, 1)).toEqual(STALE);
  });

  test('that does not decrypt is stale', async ({ access, connect, fixture, key }) => {
    await connect(key);
    const another = await fixture.vault.seal('access-token', { ...key, userId: 'another' }, 'theirs');
    await patchRow(fixture.pool, key, `access_token_jwe = '${another}'`);

    expect(await access(key)).toEqual(STALE);
  });

  test('whose key is not configured is reported as key-missing', async ({ connect, fixture, key }) => {
    await connect(key);
    const vault = createVault(createKeyRing([{ id: 'k2', bytes: new Uint8Array(32) }]));

    expect(await readAccess({ db: fixture.pool, vault }, key)).toMatchObject({ kind: 'key-missing' });
  });
});

describe('reauth-required', () => {
  test('is the outcome for a user who never connected or has disconnected', async ({
    access,
    connect,
    fixture,
    key,
  }) => {
    const never = { credentialVersion: 0, tokenVersion: 0 };
    expect(await access(key)).toEqual({ kind: 'reauth-required', seen: never, reason: 'not-connected' });

    await connect(key);
    await disconnectCredential(fixture.pool, key);

    const gone = { credentialVersion: 2, tokenVersion: 2 };
    expect(await access(key)).toEqual({ kind: 'reauth-required', seen: gone, reason: 'not-connected' });
  });

  test('is the outcome when the connection says so', async ({ access, connect, fixture, key }) => {
    await connect(key);
    await patchRow(fixture.pool, key, "status = 'reauth-required', reason = 'invalid-grant'");

    expect(await access(key, 1)).toEqual({ kind: 'reauth-required', seen, reason: 'invalid-grant' });
  });

  test('is the outcome when the server has changed since the deposit', async ({
    access,
    connect,
    fixture,
  }) => {
    const changing = await fixture.register();
    const key = fixture.newKey(changing);
    await connect(key);
    await fixture.register({ url: 'http://127.0.0.1:9/moved' }, changing.id);

    expect(await access(key)).toEqual({ kind: 'reauth-required', seen, reason: 'server-changed' });
  });

  test('is not the outcome after a change that does not concern the credential', async ({
    access,
    connect,
    fixture,
  }) => {
    const changing = await fixture.register();
    const key = fixture.newKey(changing);
    await connect(key);
    const changes = { title: 'New', headers: { 'X-Key': 'k' }, auth: { type: 'oauth2', clientId: 'c' } };
    await fixture.register(changes, changing.id);

    expect(await access(key)).toMatchObject({ ...READY, headers: { 'X-Key': 'k' } });
  });
});

describe('servers without OAuth', () => {
  test('need no credential', async ({ access, fixture }) => {
    const key = fixture.newKey(await fixture.register({ auth: { type: 'none' }, headers: { 'X-Key': 'k' } }));

    const ready = await access(key);

    expect(ready).toMatchObject({ kind: 'ready', headers: { 'X-Key': 'k' } });
    expect(ready).not.toHaveProperty('bearerToken');
  });

  test('take the token that was registered', async ({ access, fixture }) => {
    const key = fixture.newKey(await fixture.register({ auth: { type: 'bearer', token: 'static' } }));

    expect(await access(key)).toMatchObject({ kind: 'ready', bearerToken: 'static' });
  });

  test('report a registration that does not decrypt as misconfigured or key-missing', async ({ fixture }) => {
    const key = fixture.newKey(await fixture.register({ auth: { type: 'bearer', token: 'static' } }));
    const other = createVault(createKeyRing([{ id: 'k1', bytes: new Uint8Array(32) }]));

    expect(await readAccess({ db: fixture.pool, vault: other }, key)).toMatchObject({
      kind: 'misconfigured',
    });
    const missing = createVault(createKeyRing([{ id: 'k2', bytes: new Uint8Array(32) }]));
    expect(await readAccess({ db: fixture.pool, vault: missing }, key)).toMatchObject({
      kind: 'key-missing',
    });
  });

  test('are unknown unless they are registered', async ({ access }) => {
    const key = { userId: 'alice', mcpServerId: 'nowhere' };

    expect(await access(key)).toEqual({ kind: 'unknown-server' });
  });
});

test('an access token comes with the versions that the store reports', async ({
  access,
  connect,
  fixture,
  key,
}) => {
  await connect(key);
  await fixture.deposit(key, { refreshToken: 'r2', accessToken: 'a2' });

  expect(await access(key)).toMatchObject({ versions: await readVersions(fixture.pool, key) });
});
