import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import {
  clearIntent,
  extendLease,
  recordIntent,
  releaseLease,
  takeLease,
} from '../../../src/credentials/refresh/lease-store.ts';
import { patchRow, readRow } from '../credential-row.ts';
import { leaseTest as test } from '../fixtures.ts';

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
    await fixture.databaseClock.advance(12);
    expect(await extendLease(fixture.pool, lease)).toBe(true);
    await fixture.databaseClock.advance(12);
    expect(await takeLease(fixture.pool, await newLease())).toBeUndefined();
    await fixture.databaseClock.advance(3);

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
    await fixture.databaseClock.advance(7);
    expect(await recordIntent(fixture.pool, lease)).toBe(1);
    await fixture.databaseClock.advance(3.5);

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
