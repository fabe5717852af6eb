import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { readAccess } from '../../src/credentials/access.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import type { RegisteredServer } from '../../src/servers/registered-server.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';
import { patchRow, readVersions } from './credential-row.ts';
import { type CredentialFixture, createCredentialFixture } from './credential-fixture.ts';
import {
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from './refresh/scripted-token-endpoint.ts';

let stand: CredentialFixture;
let endpoint: ScriptedTokenEndpoint;
let server: RegisteredServer;
let key: CredentialKey;

beforeAll(async () => {
  [stand, endpoint] = await Promise.all([createCredentialFixture(), startScriptedTokenEndpoint()]);
  server = await stand.register();
});

afterAll(() => Promise.all([stand.stop(), endpoint.stop()]));

beforeEach(() => {
  key = stand.newKey(server);
});

const access = (justRenewed?: number) => readAccess({ db: stand.pool, vault: stand.vault }, key, justRenewed);
const connect = (expiresIn?: number) =>
  stand.deposit(key, {
    tokenEndpoint: endpoint.url,
    accessToken: 'a1',
    ...(expiresIn !== undefined && { expiresIn }),
  });

const seen = { credentialVersion: 1, tokenVersion: 1 };
const READY = { kind: 'ready', bearerToken: 'a1', versions: seen };
const STALE = { kind: 'token-stale', seen };

describe('an access token', () => {
  test.each([
    [3_600, 3_530, 3_550],
    [240, 170, 190],
    [100, 65, 85],
    [30, 12, 33],
  ])(
    'of %i s is good for %i s and due after %i s, by the clock of the database',
    async (lifetime, good, due) => {
      await connect(lifetime);
      expect(await access()).toMatchObject(READY);
      await stand.databaseClock.advance(good);
      expect(await access()).toMatchObject(READY);

      await stand.databaseClock.advance(due - good);

      expect(await access()).toEqual(STALE);
    },
  );

  test('whose lifetime nobody has stated is good until a 401', async () => {
    await connect();
    await stand.databaseClock.advance(365 * 86_400);

    expect(await access()).toMatchObject(READY);
  });

  test('that was just renewed is used once, however soon it expires', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    const outcome = await stand.renewal.renew(key, seen);
    expect(outcome).toMatchObject({ kind: 'renewed', versions: { tokenVersion: 2 } });

    expect(await access(2)).toMatchObject({ kind: 'ready', bearerToken: 'a2' });

    const newer = { credentialVersion: 1, tokenVersion: 2 };
    expect(await access()).toEqual({ kind: 'token-stale', seen: newer });
    expect(await access(3)).toEqual({ kind: 'token-stale', seen: newer });
  });

  test('that somebody has renewed since is used as well as the one that was just renewed', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    await stand.renewal.renew(key, seen);

    expect(await access(1)).toMatchObject({ kind: 'ready', bearerToken: 'a2' });
  });

  test('that was never deposited is due, even if it was just renewed', async () => {
    await stand.deposit(key, {});

    expect(await access()).toEqual(STALE);
    expect(await access(1)).toEqual(STALE);
  });

  test('that does not decrypt is renewed', async () => {
    await connect();
    const another = await stand.vault.seal('access-token', { ...key, userId: 'another' }, 'theirs');
    await patchRow(stand.pool, key, `access_token_jwe = '${another}'`);

    expect(await access()).toEqual(STALE);
  });

  test('whose key is not configured is a matter of operation', async () => {
    await connect();
    const vault = createVault(createKeyRing([{ id: 'k2', bytes: new Uint8Array(32) }]));

    expect(await readAccess({ db: stand.pool, vault }, key)).toMatchObject({ kind: 'key-missing' });
  });
});

describe('only the user can help', () => {
  test('who never connected, or has disconnected', async () => {
    const never = { credentialVersion: 0, tokenVersion: 0 };
    expect(await access()).toEqual({ kind: 'reauth-required', seen: never, reason: 'not-connected' });

    await connect();
    await disconnectCredential(stand.pool, key);

    const gone = { credentialVersion: 2, tokenVersion: 2 };
    expect(await access()).toEqual({ kind: 'reauth-required', seen: gone, reason: 'not-connected' });
  });

  test('whose connection says so', async () => {
    await connect();
    await patchRow(stand.pool, key, "status = 'reauth-required', reason = 'invalid-grant'");

    expect(await access(1)).toEqual({ kind: 'reauth-required', seen, reason: 'invalid-grant' });
  });

  test('who connected what the server was before it changed', async () => {
    const changing = await stand.register();
    key = stand.newKey(changing);
    await connect();
    await stand.register({ url: 'http://127.0.0.1:9/moved' }, changing.id);

    expect(await access()).toEqual({ kind: 'reauth-required', seen, reason: 'server-changed' });
  });

  test('but not after a change that is none of the credential', async () => {
    const changing = await stand.register();
    key = stand.newKey(changing);
    await connect();
    const changes = { title: 'New', headers: { 'X-Key': 'k' }, auth: { type: 'oauth2', clientId: 'c' } };
    await stand.register(changes, changing.id);

    expect(await access()).toMatchObject({ ...READY, headers: { 'X-Key': 'k' } });
  });
});

describe('servers without OAuth', () => {
  test('need no credential', async () => {
    key = stand.newKey(await stand.register({ auth: { type: 'none' }, headers: { 'X-Key': 'k' } }));

    const ready = await access();

    expect(ready).toMatchObject({ kind: 'ready', headers: { 'X-Key': 'k' } });
    expect(ready).not.toHaveProperty('bearerToken');
  });

  test('take the token that was registered', async () => {
    key = stand.newKey(await stand.register({ auth: { type: 'bearer', token: 'static' } }));

    expect(await access()).toMatchObject({ kind: 'ready', bearerToken: 'static' });
  });

  test('whose registration does not decrypt are a matter of operation', async () => {
    key = stand.newKey(await stand.register({ auth: { type: 'bearer', token: 'static' } }));
    const other = createVault(createKeyRing([{ id: 'k1', bytes: new Uint8Array(32) }]));

    expect(await readAccess({ db: stand.pool, vault: other }, key)).toMatchObject({ kind: 'misconfigured' });
    const missing = createVault(createKeyRing([{ id: 'k2', bytes: new Uint8Array(32) }]));
    expect(await readAccess({ db: stand.pool, vault: missing }, key)).toMatchObject({ kind: 'key-missing' });
  });

  test('that nobody has registered are unknown', async () => {
    key = { userId: 'alice', mcpServerId: 'nowhere' };

    expect(await access()).toEqual({ kind: 'unknown-server' });
  });
});

test('versions of a token are those that the store reports', async () => {
  await connect();
  await stand.deposit(key, { refreshToken: 'r2', accessToken: 'a2' });

  expect(await access()).toMatchObject({ versions: await readVersions(stand.pool, key) });
});
