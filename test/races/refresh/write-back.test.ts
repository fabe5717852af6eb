import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import type { Grant } from '../../../src/credentials/credential.ts';
import {
  disconnectCredential,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { listeningLogger } from '../../credentials/credential-fixture.ts';
import { readRenewAfter, readRow, readTokens } from '../../credentials/credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';
import { asAdmin } from '../../support/database-template.ts';
import { obstructed, STORE_RENEWAL } from './obstructed-db.ts';

let stand: OidcFixture;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createOidcFixture();
});

afterAll(() => stand.stop());

beforeEach(async () => {
  key = await stand.connect();
});

/** The tokens are rotated, the answer is held back. */
const hold = () =>
  stand.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-after-processing' },
    { accountId: key.userId },
  );

const UNTIL = { timeout: 20_000 };
const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };

describe('an answer that the database does not take', () => {
  test('is stored in the end, however often it takes', async () => {
    let failures = 10;
    const pauses: number[] = [];
    const clock: Clock = { ...systemClock, sleep: async (ms) => void pauses.push(ms) };
    const before = async () => {
      if (failures > 0) throw new Error(`the database fails ${failures--} times`);
    };
    const db = obstructed(stand.pool, { part: STORE_RENEWAL, before });

    expect(await stand.renew(key, stand.anotherProcess({ db, clock }).renewal)).toEqual(RENEWED);

    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000, 2_000]);
    expect(stand.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await stand.isAlive(key)).toBe(true);
    expect(await readRow(stand.pool, key)).toMatchObject({ isLeased: false, storedSeq: 1 });
  });

  test('is stored when Postgres is back after it has cut all connections and refused new ones', async () => {
    let retries = 0;
    const logger = listeningLogger((event) => {
      if (event === 'writeback.retrying') retries += 1;
    });
    const held = hold();
    const renewing = stand.renew(key, stand.anotherProcess({ logger }).renewal);
    await held.reached();
    await allowConnections(false);

    held.release();
    await expect.poll(() => retries, UNTIL).toBeGreaterThanOrEqual(2);
    await allowConnections(true);

    expect(await renewing).toEqual(RENEWED);
    expect(await stand.isAlive(key)).toBe(true);
    expect(stand.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('is not taken for lost when the database took it and could not say so', async () => {
    let isConfirmed = false;
    const after = async () => {
      if (isConfirmed) return;
      isConfirmed = true;
      throw new Error('the connection broke after the commit');
    };
    const db = obstructed(stand.pool, { part: STORE_RENEWAL, after });
    const events: string[] = [];
    const logger = listeningLogger((event) => events.push(event));

    expect(await stand.renew(key, stand.anotherProcess({ db, logger }).renewal)).toEqual(RENEWED);

    expect(events).toEqual(['refresh.started', 'writeback.retrying', 'refresh.done']);
    expect(await stand.isAlive(key)).toBe(true);
    expect(await readRow(stand.pool, key)).toMatchObject({ tokenVersion: 2, isLeased: false });
  });
});

describe("a new token's time", () => {
  test.each([
    ['the monotonic clock', 'monotonicMs'],
    ['the wall clock', 'wallMs'],
  ] as const)('counts from the request, whatever the way to the database took: by %s', async (_, reading) => {
    let ahead = 0;
    const clock: Clock = { ...systemClock, [reading]: () => systemClock[reading]() + ahead };
    const held = hold();
    const renewing = stand.renew(key, stand.anotherProcess({ clock }).renewal);
    await held.reached();
    ahead = 1_000_000;

    held.release();

    expect(await renewing).toEqual(RENEWED);
    // An hour, less the margin, less the thousand seconds.
    expect(await readRenewAfter(stand.pool, key)).toBeLessThanOrEqual(3_540 - 1_000);
    expect(await readRenewAfter(stand.pool, key)).toBeGreaterThan(3_540 - 1_000 - 60);
  });
});

describe('an answer that comes too late', () => {
  test('loses against a newer deposit, and its tokens are not revoked', async () => {
    const events: string[] = [];
    const logger = listeningLogger((event) => events.push(event));
    const held = hold();
    const renewing = stand.renew(key, stand.anotherProcess({ logger }).renewal);
    await held.reached();
    await stand.connect(key);
    const deposited = await readTokens(stand, key);

    held.release();

    const versions = { credentialVersion: 2, tokenVersion: 2 };
    expect(await renewing).toEqual({ kind: 'renewed', versions });
    expect(events).toEqual(['refresh.started', 'refresh.failed']);
    expect(await readTokens(stand, key)).toEqual(deposited);
    expect(await readRow(stand.pool, key)).toMatchObject({ ...versions, grantSeq: 1, storedSeq: 1 });
    expect(await findPendingRevocation(stand.pool, key)).toBeUndefined();
    expect(await stand.isAlive(key)).toBe(true);
    expect(stand.authorizationServer.stats.requests('revocation')).toBe(0);
  });

  test('loses against a deposit that has not even an access token', async () => {
    const held = hold();
    const renewing = stand.renew(key);
    await held.reached();
    const { accessToken: _, expiresIn: __, ...deposit } = await stand.consent(key);
    await stand.deposit(key, deposit);

    held.release();

    expect(await renewing).toEqual({ kind: 'busy' });
    expect(await stand.renew(key)).toMatchObject({ kind: 'renewed' });
  });

  test('does not undo a disconnect: it is what is revoked then', async () => {
    const held = hold();
    const renewing = stand.renew(key);
    await held.reached();
    const spent = (await readTokens(stand, key)).grant;
    await disconnectCredential(stand.pool, key);

    held.release();

    expect(await renewing).toMatchObject({ kind: 'reauth-required', reason: 'not-connected' });
    expect(await readTokens(stand, key)).toEqual({});
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'disconnected', credentialVersion: 2 });
    const pending = await pendingGrant();
    expect(pending).toEqual({ ...spent, refreshToken: expect.any(String) });
    expect(pending.refreshToken).not.toBe(spent?.refreshToken);
  });
});

async function pendingGrant(): Promise<Grant> {
  const jwe = (await findPendingRevocation(stand.pool, key)) ?? '';
  const opened = await stand.vault.open('grant', key, jwe);
  if (opened.kind !== 'opened') throw new Error(opened.kind);
  return JSON.parse(opened.plaintext);
}

async function allowConnections(allow: boolean): Promise<void> {
  const name = new URL(stand.database.url).pathname.slice(1);
  await asAdmin(inject('adminDatabaseUrl'), async (admin) => {
    await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS ${allow}`);
    if (allow) return;
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  });
}
