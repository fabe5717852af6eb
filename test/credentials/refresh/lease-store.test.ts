import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import {
  clearIntent,
  extendLease,
  type Lease,
  recordIntent,
  releaseLease,
  takeLease,
} from '../../../src/credentials/refresh/lease-store.ts';
import { markReauthRequired, markTokenRejected } from '../../../src/credentials/refresh/refusal-store.ts';
import { type RenewedTokens, storeRenewal } from '../../../src/credentials/refresh/renewal-store.ts';
import { patchRow, readRow, readVersions } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const test = credentialTest
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

const TOKENS: RenewedTokens = {
  grantJwe: 'grant',
  accessTokenJwe: 'access',
  renewAfterSeconds: 60,
  scopes: undefined,
  fingerprint: 'f2',
  spentFingerprint: 'f1',
};

describe('a lease', () => {
  test('is held by one at a time until it is released', async ({ fixture, newLease, takenLease }) => {
    const lease = await takenLease();
    expect(await takeLease(fixture.pool, await newLease())).toBeUndefined();

    await releaseLease(fixture.pool, lease);

    expect(await takeLease(fixture.pool, await newLease())).toEqual({ unfinished: false });
  });

  test('is taken by exactly one of many at once', async ({ fixture, newLease }) => {
    const leases = await Promise.all(Array.from({ length: 20 }, newLease));

    const taken = await Promise.all(leases.map((lease) => takeLease(fixture.pool, lease)));

    expect(taken.filter((one) => one !== undefined)).toHaveLength(1);
  });

  test('runs out after 15 s, unless it is extended', async ({ fixture, newLease, takenLease }) => {
    const lease = await takenLease();
    await fixture.databaseClock.advance(14);
    expect(await extendLease(fixture.pool, lease)).toBe(true);
    await fixture.databaseClock.advance(14);
    expect(await takeLease(fixture.pool, await newLease())).toBeUndefined();
    await fixture.databaseClock.advance(1);

    expect(await takeLease(fixture.pool, await newLease())).toBeDefined();

    expect(await extendLease(fixture.pool, lease)).toBe(false);
  });

  test('is not released by a former holder', async ({ fixture, key, takenLease }) => {
    const former = await takenLease();
    await fixture.databaseClock.advance(15);
    await takenLease();

    await releaseLease(fixture.pool, former);

    expect(await readRow(fixture.pool, key)).toMatchObject({ isLeased: true });
  });

  test('is not given to a caller that saw an older token or an older deposit', async ({
    fixture,
    key,
    newLease,
  }) => {
    const { key: _, ...older } = await newLease();
    await patchRow(fixture.pool, key, 'token_version = token_version + 1');
    expect(await takeLease(fixture.pool, { key, ...older })).toBeUndefined();
    await patchRow(fixture.pool, key, 'credential_version = 2, token_version = 1');
    expect(await takeLease(fixture.pool, { key, ...older })).toBeUndefined();
  });

  test.for(['reauth-required', 'disconnected'])(
    'is not given for a credential that is %s',
    async (status, { fixture, key, newLease }) => {
      await patchRow(fixture.pool, key, `status = '${status}'`);

      expect(await takeLease(fixture.pool, await newLease())).toBeUndefined();
    },
  );

  test('that expired is not taken within 30 s of a start of Postgres, a free one is', async ({
    fixture,
    newLease,
    takenLease,
  }) => {
    await takenLease();
    await fixture.databaseClock.advance(60);
    try {
      await fixture.databaseClock.startedAgo(29);
      expect(await takeLease(fixture.pool, await newLease())).toBeUndefined();
      await fixture.databaseClock.startedAgo(31);
      const lease = await takenLease();
      await releaseLease(fixture.pool, lease);
      await fixture.databaseClock.startedAgo(0);
      expect(await takeLease(fixture.pool, await newLease())).toBeDefined();
    } finally {
      await fixture.databaseClock.startedAgo(86_400);
    }
  });

  test('reports whether an earlier one left a refresh unfinished', async ({
    fixture,
    newLease,
    takenLease,
  }) => {
    await recordIntent(fixture.pool, await takenLease());
    await fixture.databaseClock.advance(15);

    expect(await takeLease(fixture.pool, await newLease())).toEqual({ unfinished: true });
  });

  test('ends with a deposit', async ({ fixture, key, newLease, takenLease }) => {
    const lease = await takenLease();

    await fixture.deposit(key, { refreshToken: 'r2' });

    expect(await extendLease(fixture.pool, lease)).toBe(false);
    expect(await takeLease(fixture.pool, await newLease())).toEqual({ unfinished: false });
  });
});

describe('the intent to send', () => {
  test('is numbered, one after the other', async ({ fixture, takenLease }) => {
    const lease = await takenLease();

    expect(await recordIntent(fixture.pool, lease)).toBe(1);
    expect(await recordIntent(fixture.pool, lease)).toBe(2);
  });

  test('is refused when less than 5 s of the lease are left', async ({ fixture, takenLease }) => {
    const lease = await takenLease();
    await fixture.databaseClock.advance(9);
    expect(await recordIntent(fixture.pool, lease)).toBe(1);
    await fixture.databaseClock.advance(1.5);

    expect(await recordIntent(fixture.pool, lease)).toBeUndefined();
  });

  test.for([
    ['another has the lease', `lease_id = '${randomUUID()}'`],
    ['the token has changed', 'token_version = token_version + 1'],
    ['the credential has changed', 'credential_version = credential_version + 1'],
    ['the user is asked already', "status = 'reauth-required', reason = 'token-rejected'"],
  ] as const)('is refused when %s', async ([_what, change], { fixture, key, takenLease }) => {
    const lease = await takenLease();
    await patchRow(fixture.pool, key, change);

    expect(await recordIntent(fixture.pool, lease)).toBeUndefined();

    expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 0 });
  });

  test('is withdrawn without those of earlier holders', async ({ fixture, key, takenLease }) => {
    await recordIntent(fixture.pool, await takenLease());
    await fixture.databaseClock.advance(15);
    const lease = await takenLease();
    const second = await recordIntent(fixture.pool, lease);

    await clearIntent(fixture.pool, lease, second ?? 0);

    expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 1, storedSeq: 0 });
  });

  test('is not withdrawn when there is a later one, or after a deposit', async ({
    fixture,
    key,
    takenLease,
  }) => {
    const lease = await takenLease();
    await recordIntent(fixture.pool, lease);
    await recordIntent(fixture.pool, lease);
    await clearIntent(fixture.pool, lease, 1);
    expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 2 });

    await fixture.deposit(key, { refreshToken: 'r2' });
    await clearIntent(fixture.pool, lease, 2);

    expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 2, storedSeq: 2 });
  });
});

describe('an answer', () => {
  test('is stored even if another holds the lease by then, and that lease stays', async ({
    fixture,
    key,
    takenLease,
  }) => {
    const former = await takenLease();
    const intent = (await recordIntent(fixture.pool, former)) ?? 0;
    await fixture.databaseClock.advance(15);
    await takenLease();

    const stored = await storeRenewal(fixture.pool, former, intent, TOKENS);

    const versions = { credentialVersion: 1, tokenVersion: 2 };
    expect(stored).toEqual({ versions, recovered: false });
    expect(await readRow(fixture.pool, key)).toMatchObject({ isLeased: true, storedSeq: 1 });
  });

  test('is stored once, and never over a later one', async ({ fixture, key, takenLease }) => {
    const lease = await takenLease();
    await recordIntent(fixture.pool, lease);
    await recordIntent(fixture.pool, lease);
    expect(await storeRenewal(fixture.pool, lease, 2, TOKENS)).toBeDefined();

    expect(await storeRenewal(fixture.pool, lease, 2, TOKENS)).toBeUndefined();
    expect(await storeRenewal(fixture.pool, lease, 1, TOKENS)).toBeUndefined();

    expect(await readRow(fixture.pool, key)).toMatchObject({ tokenVersion: 2, isLeased: false });
  });

  test('of an earlier intent does not block the answer of a later one', async ({ fixture, takenLease }) => {
    const lease = await takenLease();
    await recordIntent(fixture.pool, lease);
    await recordIntent(fixture.pool, lease);
    await storeRenewal(fixture.pool, lease, 1, TOKENS);

    expect(await storeRenewal(fixture.pool, lease, 2, TOKENS)).toMatchObject({
      versions: { tokenVersion: 3 },
    });
  });

  test('of an older credential is never stored', async ({ fixture, key, takenLease }) => {
    const lease = await takenLease();
    const intent = (await recordIntent(fixture.pool, lease)) ?? 0;
    await patchRow(fixture.pool, key, 'credential_version = credential_version + 1');

    expect(await storeRenewal(fixture.pool, lease, intent, TOKENS)).toBeUndefined();
  });

  test('lifts reauth-required, like a deposit', async ({ fixture, key, takenLease }) => {
    const lease = await takenLease();
    const intent = (await recordIntent(fixture.pool, lease)) ?? 0;
    await markReauthRequired(fixture.pool, lease, 'refresh-outcome-lost');

    const stored = await storeRenewal(fixture.pool, lease, intent, TOKENS);

    expect(stored).toEqual({ versions: { credentialVersion: 2, tokenVersion: 2 }, recovered: true });
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', reason: null });
  });

  test('keeps the fingerprints of the latest fifty spent tokens', async ({ fixture, key, takenLease }) => {
    const lease = await takenLease();
    for (let n = 1; n <= 52; n += 1) {
      await storeRenewal(fixture.pool, lease, n, { ...TOKENS, spentFingerprint: `f${n}` });
    }

    const { rows } = await fixture.pool.query<{ spent: string[] }>(
      'SELECT spent_fingerprints AS spent FROM mcp_credential WHERE user_id = $1',
      [key.userId],
    );
    expect(rows[0]?.spent).toHaveLength(50);
    expect(rows[0]?.spent.at(0)).toBe('f52');
    expect(rows[0]?.spent.at(-1)).toBe('f3');
  });
});

describe('a verdict', () => {
  test('is written only by the lease holder and for an unchanged token', async ({
    fixture,
    key,
    takenLease,
  }) => {
    const lease = await takenLease();
    await patchRow(fixture.pool, key, 'token_version = token_version + 1');
    expect(await markReauthRequired(fixture.pool, lease, 'invalid-grant')).toBe(false);
    await patchRow(fixture.pool, key, `token_version = token_version - 1, lease_id = '${randomUUID()}'`);
    expect(await markReauthRequired(fixture.pool, lease, 'invalid-grant')).toBe(false);
    await patchRow(fixture.pool, key, `lease_id = '${lease.id}'`);

    expect(await markReauthRequired(fixture.pool, lease, 'invalid-grant')).toBe(true);

    const expected = { status: 'reauth-required', reason: 'invalid-grant', isLeased: false };
    expect(await readRow(fixture.pool, key)).toMatchObject(expected);
  });

  test('on a refused access token concerns only that token', async ({ fixture, key }) => {
    const seen = await readVersions(fixture.pool, key);
    await patchRow(fixture.pool, key, 'token_version = token_version + 1');
    await markTokenRejected(fixture.pool, key, seen);
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });

    await markTokenRejected(fixture.pool, key, await readVersions(fixture.pool, key));

    expect(await readRow(fixture.pool, key)).toMatchObject({ reason: 'token-rejected' });
  });

  test.for([
    ['has run out', 'renew_after = clock_timestamp()', false],
    ['is still good', "renew_after = clock_timestamp() + interval '1 min'", true],
    ['has no end that is known', 'renew_after = NULL', true],
  ] as const)('on a refused access token that %s', async ([_what, lifetime, expected], { fixture, key }) => {
    await patchRow(fixture.pool, key, lifetime);

    expect(await markTokenRejected(fixture.pool, key, await readVersions(fixture.pool, key))).toBe(expected);

    const status = expected ? 'reauth-required' : 'connected';
    expect(await readRow(fixture.pool, key)).toMatchObject({ status });
  });
});
