import { describe, expect } from 'vitest';
import { recordIntent, takeLease } from '../../../src/credentials/refresh/lease-store.ts';
import { storeRenewal } from '../../../src/credentials/refresh/renewal-store.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import {
  expectLeft,
  loseKeyOfGrant,
  patchRow,
  readDueTime,
  readRenewAfter,
  readRow,
  readTokens,
  readVersions,
} from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const test = credentialTest
  /** Changes the row like a renewal, with or without rotation. */
  .extend('renew', ({ key, fixture }) => async (refreshToken: string, scopes?: string): Promise<void> => {
    const lease = { key, id: crypto.randomUUID(), seen: await readVersions(fixture.pool, key) };
    await takeLease(fixture.pool, lease);
    const intent = await recordIntent(fixture.pool, lease);
    const { grant } = await readTokens(fixture, key);
    const isRotated = refreshToken !== grant?.refreshToken;
    await storeRenewal(fixture.pool, lease, intent ?? 0, {
      grantJwe: await fixture.vault.seal('grant', key, { ...grant, refreshToken }),
      accessTokenJwe: await fixture.vault.seal('access-token', key, 'renewed'),
      renewAfterSeconds: 600,
      scopes,
      fingerprint: fixture.keyRing.fingerprint(refreshToken, key),
      spentFingerprint: isRotated ? fixture.keyRing.fingerprint(grant?.refreshToken ?? '', key) : null,
    });
  })
  .extend('readScopes', ({ fixture, key }) => async (): Promise<string | null | undefined> => {
    const { rows } = await fixture.pool.query<{ scopes: string | null }>(
      'SELECT scopes FROM mcp_credential WHERE user_id = $1',
      [key.userId],
    );
    return rows[0]?.scopes;
  });

// Deposits of a refresh token that is or was stored. Their other fields take effect.

test.beforeEach(({ fixture }) => {
  fixture.resumptions.length = 0;
});

const FIRST = {
  refreshToken: 'r1',
  tokenEndpoint: 'http://127.0.0.1:9/token',
  clientId: 'app',
  clientSecret: 's1',
  clientSecretExpiresAt: '2090-01-01T00:00:00Z',
  tokenEndpointAuthMethod: 'client_secret_basic',
  scopes: 'read',
  resource: 'http://127.0.0.1:9/mcp',
  issuer: 'http://127.0.0.1:9/',
  accessToken: 'a1',
  expiresIn: 3600,
} satisfies Partial<Deposit>;

const CHANGED = { kind: 'stored', changed: true, version: 2, resuming: 0 };
const UNCHANGED = { ...CHANGED, changed: false, version: 1 };

const withField = (field: string, value: unknown): Partial<Deposit> => ({ ...FIRST, [field]: value });

const FIELDS: [string, unknown][] = [
  ['tokenEndpoint', 'http://127.0.0.1:9/other'],
  ['clientId', 'other'],
  ['clientSecret', 's2'],
  ['clientSecretExpiresAt', '2091-01-01T00:00:00Z'],
  ['clientSecretExpiresAt', undefined],
  ['tokenEndpointAuthMethod', 'client_secret_post'],
  ['tokenEndpointAuthMethod', undefined],
  ['scopes', 'read write'],
  ['scopes', undefined],
  ['resource', 'http://127.0.0.1:9/other'],
  ['resource', undefined],
  ['issuer', 'http://127.0.0.1:9/other'],
  ['issuer', undefined],
];

describe('the current refresh token', () => {
  test('changes nothing when it is deposited again as it is, however often and however late', async ({
    fixture,
    key,
  }) => {
    await fixture.deposit(key, FIRST);
    await patchRow(fixture.pool, key, "renew_after = renew_after - interval '10 min'");
    const before = await readDueTime(fixture.pool, key);

    for (let times = 0; times < 3; times += 1) expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);

    const sameMoment = { ...FIRST, clientSecretExpiresAt: '2090-01-01T01:00:00+01:00' };
    expect(await fixture.deposit(key, sameMoment)).toEqual(UNCHANGED);
    expect(await readDueTime(fixture.pool, key)).toBe(before);
  });

  test.for(FIELDS)(
    'with another %s (%s) makes a new version once',
    async ([field, value], { fixture, key, readScopes }) => {
      await fixture.deposit(key, FIRST);
      await registerWaiter(fixture.pool, { ...key, workflowId: key.userId, stepId: 's', seenVersion: 1 });

      const again = withField(field, value);
      expect(await fixture.deposit(key, again)).toEqual({ ...CHANGED, resuming: 1 });

      expect(fixture.resumptions.splice(0)).toEqual([{ ...key, version: 2 }]);
      const { grant } = await readTokens(fixture, key);
      const { accessToken: _, expiresIn: __, clientSecretExpiresAt: ___, ...expected } = again;
      expect(grant).toEqual(JSON.parse(JSON.stringify(expected)));
      expect(await readScopes()).toBe(again.scopes ?? null);
      expect(await fixture.deposit(key, again)).toMatchObject({ changed: false, version: 2 });
    },
  );

  test.for([
    ['accessToken', { accessToken: 'a9' }, 'a9'],
    ['expiresIn', { expiresIn: 60 }, 'a1'],
    ['expiresIn (none)', { expiresIn: undefined }, 'a1'],
  ] as const)(
    'with another %s makes a new version',
    async ([_what, change, accessToken], { fixture, key }) => {
      await fixture.deposit(key, FIRST);

      expect(await fixture.deposit(key, { ...FIRST, ...change })).toEqual(CHANGED);

      expect(await readTokens(fixture, key)).toMatchObject({ accessToken });
      const { expiresIn } = { ...FIRST, ...change };
      const due = await readRenewAfter(fixture.pool, key);
      if (expiresIn === undefined) expect(due).toBeNull();
      else expectLeft(due, expiresIn - Math.min(60, expiresIn / 4));
      expect(await fixture.deposit(key, { ...FIRST, ...change })).toMatchObject({
        changed: false,
        version: 2,
      });
    },
  );

  test('is compared with the deposited scopes, not with those that the server granted', async ({
    fixture,
    key,
    readScopes,
    renew,
  }) => {
    await fixture.deposit(key, FIRST);
    await renew('r1', 'read offline');

    expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);
    expect(await readScopes()).toBe('read offline');
    expect(await fixture.deposit(key, { ...FIRST, clientSecret: 's2' })).toEqual(CHANGED);
    expect(await readScopes()).toBe('read offline');
  });

  test('keeps the access token that was renewed since, also when the first deposit is repeated', async ({
    fixture,
    key,
    renew,
  }) => {
    await fixture.deposit(key, FIRST);
    await renew('r1');

    expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);
    expect(await fixture.deposit(key, { ...FIRST, clientSecret: 's2' })).toEqual(CHANGED);

    expect(await readTokens(fixture, key)).toMatchObject({ accessToken: 'renewed' });
    // A caller that saw the access token fail does not get a newer version.
    expect(await readVersions(fixture.pool, key)).toEqual({ credentialVersion: 2, tokenVersion: 2 });
  });

  test('without an access token keeps the stored one, as long as the scopes are the same', async ({
    fixture,
    key,
  }) => {
    const { accessToken: _, expiresIn: __, ...without } = FIRST;
    await fixture.deposit(key, FIRST);

    expect(await fixture.deposit(key, without)).toEqual(UNCHANGED);
    expect(await fixture.deposit(key, { ...without, clientSecret: 's2' })).toEqual(CHANGED);
    expect(await readTokens(fixture, key)).toMatchObject({ accessToken: 'a1' });

    expect(await fixture.deposit(key, { ...without, scopes: 'read write' })).toMatchObject({ version: 3 });
    expect((await readTokens(fixture, key)).accessToken).toBeUndefined();
  });

  test.for(['invalid-grant', 'refresh-outcome-lost'])(
    'that was refused (%s) stays refused in the same deposit and is tried again in a changed one',
    async (reason, { fixture, key }) => {
      await fixture.deposit(key, FIRST);
      await patchRow(fixture.pool, key, `status = 'reauth-required', reason = '${reason}'`);

      expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);
      expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'reauth-required', reason });

      expect(await fixture.deposit(key, { ...FIRST, clientSecret: 's2' })).toEqual(CHANGED);
      expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', reason: null });
    },
  );

  test('replaces a grant that does not decrypt', async ({ fixture, key }) => {
    await fixture.deposit(key, FIRST);
    await loseKeyOfGrant(fixture.pool, key);

    expect(await fixture.deposit(key, FIRST)).toEqual(CHANGED);

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'r1', clientSecret: 's1' });
  });

  test('is audited only when it changes something', async ({ fixture, key }) => {
    await fixture.deposit(key, FIRST);
    await fixture.deposit(key, FIRST);
    await fixture.deposit(key, { ...FIRST, scopes: 'write' });

    const { rows } = await fixture.pool.query(
      "SELECT details->>'version' AS version FROM mcp_audit_event WHERE user_id = $1 ORDER BY id",
      [key.userId],
    );
    expect(rows).toEqual([{ version: '1' }, { version: '2' }]);
  });
});

describe('a spent refresh token', () => {
  test.beforeEach(async ({ fixture, key, renew }) => {
    await fixture.deposit(key, FIRST);
    await renew('r2');
  });

  test('changes nothing when it is deposited again, and its older access token is not stored', async ({
    fixture,
    key,
  }) => {
    expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);
    expect(await fixture.deposit(key, { ...FIRST, accessToken: 'a9', expiresIn: 5 })).toEqual(UNCHANGED);

    expect(await readTokens(fixture, key)).toMatchObject({ accessToken: 'renewed' });
  });

  test.for(FIELDS)(
    'keeps the newer one, and its other %s (%s) takes effect',
    async ([field, value], { fixture, key }) => {
      const again = withField(field, value);
      expect(await fixture.deposit(key, again)).toEqual(CHANGED);

      const { grant, accessToken } = await readTokens(fixture, key);
      const { accessToken: __, expiresIn: ___, clientSecretExpiresAt: ____, ...expected } = again;
      expect(grant).toEqual(JSON.parse(JSON.stringify({ ...expected, refreshToken: 'r2' })));
      const isAskedForAgain = field === 'scopes' || field === 'resource';
      expect(accessToken).toBe(isAskedForAgain ? undefined : 'renewed');
      expect(await fixture.deposit(key, again)).toMatchObject({ changed: false, version: 2 });
      expect(await fixture.deposit(key, { ...again, refreshToken: 'r2' })).toMatchObject({ changed: false });
    },
  );

  test('that names no client leaves the stored one, and its other fields take effect', async ({
    fixture,
    key,
  }) => {
    const { clientId, clientSecret, tokenEndpointAuthMethod, clientSecretExpiresAt, ...anonymous } = FIRST;
    expect(await fixture.deposit(key, anonymous)).toEqual(UNCHANGED);

    const moved = { ...anonymous, tokenEndpoint: 'http://127.0.0.1:9/other', scopes: 'read write' };
    expect(await fixture.deposit(key, moved)).toEqual(CHANGED);

    const { grant } = await readTokens(fixture, key);
    const { accessToken: _, expiresIn: __, ...said } = moved;
    const client = { clientId, clientSecret, tokenEndpointAuthMethod };
    expect(grant).toEqual({ ...said, ...client, refreshToken: 'r2' });
    // The expiry of the client secret is unchanged.
    expect(await fixture.deposit(key, { ...moved, ...client, clientSecretExpiresAt })).toMatchObject({
      changed: false,
    });
  });

  test('of a disconnected connection is refused with a message', async ({ fixture, key }) => {
    await disconnectCredential(fixture.pool, key);

    expect(await fixture.deposit(key, FIRST)).toMatchObject({ kind: 'refused', field: 'refreshToken' });

    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'disconnected' });
  });

  test('connects again when its other fields may fix what was refused', async ({ fixture, key }) => {
    await patchRow(fixture.pool, key, "status = 'reauth-required', reason = 'invalid-client'");

    expect(await fixture.deposit(key, FIRST)).toEqual(UNCHANGED);
    expect(await fixture.deposit(key, { ...FIRST, clientSecret: 's2' })).toEqual(CHANGED);

    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
  });

  test('is reported as key-missing while the newer one cannot be opened', async ({ fixture, key }) => {
    await loseKeyOfGrant(fixture.pool, key);

    const outcome = await fixture.deposit(key, { ...FIRST, clientSecret: 's2' });

    expect(outcome).toEqual({ kind: 'key-missing', kid: 'gone' });
  });

  test('is not stored where the newer one is lost', async ({ fixture, key }) => {
    await patchRow(fixture.pool, key, "grant_jwe = 'given-up'");

    expect(await fixture.deposit(key, { ...FIRST, clientSecret: 's2' })).toEqual(UNCHANGED);
  });
});
