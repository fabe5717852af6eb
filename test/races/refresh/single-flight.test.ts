import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey, CredentialVersions } from '../../../src/contracts/activities.ts';
import type { Renewal } from '../../../src/credentials/refresh/renewal.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import { readVersions } from '../../credentials/credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';

let fixture: OidcFixture;
let key: CredentialKey;

beforeAll(async () => {
  fixture = await createOidcFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  key = await fixture.connect();
});

const hold = (accountId = key.userId) =>
  fixture.authorizationServer.control.interceptTokenRequests({ do: 'hold-before-processing' }, { accountId });

/** As the activity does: `busy` means later. */
async function renewPatiently(renewal: Renewal, seen: CredentialVersions, of = key): Promise<RenewalOutcome> {
  for (;;) {
    const outcome = await renewal.renew(of, seen);
    if (outcome.kind !== 'busy') return outcome;
  }
}

const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };

describe('one refresh', () => {
  test('serves 200 callers of one process', async () => {
    const seen = await readVersions(fixture.pool, key);

    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => renewPatiently(fixture.renewal, seen)),
    );

    expect(outcomes).toEqual(Array(200).fill(RENEWED));
    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await fixture.isAlive(key)).toBe(true);
  });

  test('serves 200 callers of three processes', async () => {
    const processes = [1, 2, 3].map(() => fixture.anotherProcess());
    const seen = await readVersions(fixture.pool, key);

    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => {
        const process = processes[n % 3];
        if (process === undefined) throw new Error('there are three processes');
        return renewPatiently(process.renewal, seen);
      }),
    );

    expect(outcomes).toEqual(Array(200).fill(RENEWED));
    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await fixture.isAlive(key)).toBe(true);
  });

  test('makes others wait for two seconds before they give up as busy', async () => {
    const held = hold();
    const holder = fixture.renew(key);
    await held.reached();
    const processes = [fixture.anotherProcess(), fixture.anotherProcess()];

    const others = await Promise.all(
      [...processes, fixture].map(({ renewal }) => fixture.renew(key, renewal)),
    );

    expect(others).toEqual(Array(3).fill({ kind: 'busy' }));
    expect(held.hits()).toBe(1);
    held.release();
    expect(await holder).toEqual(RENEWED);
    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('follows an earlier one for a caller whose renewed token was refused', async () => {
    const seen = await readVersions(fixture.pool, key);
    await fixture.renewal.renew(key, seen);
    const newer = await readVersions(fixture.pool, key);

    const outcomes = await Promise.all([fixture.renewal.renew(key, seen), fixture.renewal.renew(key, newer)]);

    expect(outcomes.map(({ kind }) => kind)).toEqual(['renewed', 'renewed']);
    expect(outcomes[1]).toMatchObject({ versions: { tokenVersion: 3 } });
    expect(fixture.grants(key)).toEqual({ succeeded: 2, failed: 0 });
  });
});

describe('two accounts of one user at one server', () => {
  /** The grant of another person at the authorization server, as the user's account `work`. */
  async function connectWork(): Promise<{ work: CredentialKey; person: CredentialKey }> {
    const work = { ...key, account: 'work' };
    const person = { ...key, userId: `${key.userId}-at-work` };
    const deposit = await fixture.consent(person);
    expect(await fixture.deposit(work, deposit)).toMatchObject({ kind: 'stored' });
    return { work, person };
  }

  test('have one refresh each, for 200 callers of three processes', async () => {
    const { work, person } = await connectWork();
    const processes = [1, 2, 3].map(() => fixture.anotherProcess());
    const seen = { credentialVersion: 1, tokenVersion: 1 };

    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => {
        const process = processes[n % 3];
        if (process === undefined) throw new Error('there are three processes');
        return renewPatiently(process.renewal, seen, n % 2 === 0 ? key : work);
      }),
    );

    expect(outcomes).toEqual(Array(200).fill(RENEWED));
    for (const one of [key, person]) {
      expect(fixture.grants(one)).toEqual({ succeeded: 1, failed: 0 });
    }
    expect(await fixture.isAlive(key)).toBe(true);
    expect(await fixture.isAlive(work)).toBe(true);
  });

  test('do not wait for each other', async () => {
    const { work } = await connectWork();
    const held = hold();
    const holder = fixture.renew(key);
    await held.reached();

    expect(await fixture.renew(work)).toEqual(RENEWED);

    held.release();
    expect(await holder).toEqual(RENEWED);
  });
});

describe('refreshes of others', () => {
  test('do not wait: another user, another server of the same user', async () => {
    const held = hold();
    const holder = fixture.renew(key);
    await held.reached();
    const anotherUser = await fixture.connect();
    const anotherServer = { ...key, mcpServerId: (await fixture.register()).id };
    await fixture.connect(anotherServer);

    expect(await fixture.renew(anotherUser)).toEqual(RENEWED);
    expect(await fixture.renew(anotherServer)).toEqual(RENEWED);

    held.release();
    expect(await holder).toEqual(RENEWED);
  });

  test('hold no connection of the database and no lock while they wait for their answers', async () => {
    const { renewal, pool } = fixture.anotherProcess();
    const keys = await Promise.all(Array.from({ length: 12 }, () => fixture.connect()));
    const held = keys.map(({ userId }) => hold(userId));
    const renewals = keys.map((one) => fixture.renew(one, renewal));

    // More than the pool's connections: if each kept one, not all requests would get as far as this.
    await Promise.all(held.map((one) => one.reached()));

    expect(pool.totalCount - pool.idleCount).toBe(0);
    const { rowCount } = await pool.query('SELECT FROM mcp_credential FOR UPDATE NOWAIT');
    expect(rowCount).toBeGreaterThanOrEqual(12);
    for (const one of held) one.release();
    for (const outcome of await Promise.all(renewals)) expect(outcome).toEqual(RENEWED);
  });
});

test('draining waits for the write-back of a refresh without callers', async () => {
  const { renewal } = fixture.anotherProcess();
  const held = hold();
  fixture.renew(key, renewal).catch(() => {});
  await held.reached();
  let isDrained = false;
  const draining = renewal.drain().then(() => {
    isDrained = true;
  });
  await fixture.pool.query('SELECT'); // whatever could end without the answer has ended by now
  expect(isDrained).toBe(false);

  held.release();
  await draining;

  expect(await readVersions(fixture.pool, key)).toEqual(RENEWED.versions);
});
