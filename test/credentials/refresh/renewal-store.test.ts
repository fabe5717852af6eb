import { describe, expect, vi } from 'vitest';
import { recordIntent } from '../../../src/credentials/refresh/lease-store.ts';
import { markReauthRequired } from '../../../src/credentials/refresh/refusal-store.ts';
import { type RenewedTokens, storeRenewal } from '../../../src/credentials/refresh/renewal-store.ts';
import { type Db, inTransaction } from '../../../src/db/pool.ts';
import { expectLeft, patchRow, readExpiresIn, readRenewAfter, readRow } from '../credential-row.ts';
import { leaseTest as test } from '../fixtures.ts';

const TOKENS = {
  grantJwe: 'grant',
  accessTokenJwe: 'access',
  renewAfterSeconds: 60,
  scopes: undefined,
  fingerprint: 'f2',
  spentFingerprint: 'f1',
} satisfies RenewedTokens;

/** @throws if no session waits for a lock of that one */
async function someoneWaitsFor(db: Db, pid: number): Promise<void> {
  const { rowCount } = await db.query(
    'SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY (pg_blocking_pids(pid))',
    [pid],
  );
  if (rowCount === 0) throw new Error('nobody waits');
}

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

  test('that waited for the row gives its token no longer life', async ({ fixture, key, takenLease }) => {
    const lease = await takenLease();
    const intent = (await recordIntent(fixture.pool, lease)) ?? 0;
    const storing = await inTransaction(fixture.pool, async (db) => {
      const { rows } = await db.query<{ pid: number }>(
        'UPDATE mcp_credential SET updated_at = now() WHERE user_id = $1 RETURNING pg_backend_pid() AS pid',
        [key.userId],
      );
      const stored = storeRenewal(fixture.pool, lease, intent, { ...TOKENS, expiresInSeconds: 80 });
      await vi.waitFor(() => someoneWaitsFor(fixture.pool, rows[0]?.pid ?? 0), {
        timeout: 20_000,
        interval: 10,
      });
      await fixture.databaseClock.advance(20);
      return { stored };
    });
    await storing.stored;

    expectLeft(await readRenewAfter(fixture.pool, key), TOKENS.renewAfterSeconds - 20);
    expectLeft(await readExpiresIn(fixture.pool, key), 60);
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
