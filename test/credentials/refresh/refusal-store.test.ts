import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { markReauthRequired, markTokenRejected } from '../../../src/credentials/refresh/refusal-store.ts';
import { patchRow, readRow, readVersions } from '../credential-row.ts';
import { leaseTest as test } from '../fixtures.ts';

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
