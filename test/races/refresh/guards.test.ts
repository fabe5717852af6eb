import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import type { RenewalDependencies } from '../../../src/credentials/refresh/refresh.ts';
import type { Renewal } from '../../../src/credentials/refresh/renewal.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import type { Db } from '../../../src/db/pool.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';
import { createGate, obstructed, RECORD_INTENT, STORE_RENEWAL } from './obstructed-db.ts';
import { LEASE, WRITE_BACK_FENCES, WRITE_BACK_FENCES_BUT_LEASE, without } from './removed-guards.ts';

// Every scenario is played twice against an authorization server that revokes the grant when a refresh token
// comes twice: as it is, and with one guard taken out. Only the second one may lose the grant.

let fixture: OidcFixture;
let key: CredentialKey;

beforeAll(async () => {
  fixture = await createOidcFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  key = await fixture.connect();
});

const asItIs = (db: Db): Db => db;

const hold = (times = 1) =>
  fixture.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-before-processing' },
    { accountId: key.userId, times },
  );

/** A process with connections of its own, whose database and clock are as the scenario wants them. */
function startProcess(db: (own: Db) => Db, overrides: Partial<RenewalDependencies> = {}): Renewal {
  const { pool } = fixture.anotherProcess();
  return fixture.anotherProcess({ db: db(pool), ...overrides }).renewal;
}

/** What a step would find next: the stored access token is good, and so is the stored refresh token. */
async function expectKept(): Promise<void> {
  expect(await fixture.isAlive(key)).toBe(true);
  expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed' });
}

async function expectLost(): Promise<void> {
  expect(await fixture.isAlive(key)).toBe(false);
  expect(await fixture.renew(key)).toMatchObject({ kind: 'reauth-required' });
}

describe('three processes that renew one token at once', () => {
  async function renewAtOnce(db: (own: Db) => Db): Promise<void> {
    const [first, others] = [hold(), hold(Number.POSITIVE_INFINITY)];
    let gaveWay = 0;
    const renewals = [1, 2, 3].map(async () => {
      const { kind } = await fixture.renew(key, startProcess(db));
      if (kind === 'busy') gaveWay += 1;
    });
    await expect.poll(() => first.hits() + others.hits() + gaveWay, { timeout: 20_000 }).toBe(3);
    // One after the other: oidc-provider does not notice reuse in the very same moment.
    first.release();
    await expect.poll(() => fixture.grants(key).succeeded, { timeout: 20_000 }).toBe(1);
    others.release();
    await Promise.all(renewals);
  }

  test('keep the grant', async () => {
    await renewAtOnce(asItIs);

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    await expectKept();
  });

  test('lose it without the lease (negative control)', async () => {
    await renewAtOnce((own) => without(LEASE, own));

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 2 });
    await expectLost();
  });
});

describe('a holder whose answer takes longer than a lease', () => {
  interface Holder {
    renewal: Renewal;
    /** Five seconds pass for the holder's process. */
    turn: () => Promise<void>;
  }

  function extending(): Holder {
    let extensions = 0;
    let work = () => {};
    const every: Clock['every'] = (_, regularly) => {
      work = regularly;
      return () => {};
    };
    const after = async () => {
      extensions += 1;
    };
    const db = (own: Db) => obstructed(own, { part: 'SET lease_until', after });
    return {
      renewal: startProcess(db, { clock: { ...systemClock, every } }),
      async turn() {
        const expected = extensions + 1;
        work();
        await expect.poll(() => extensions, { timeout: 20_000 }).toBe(expected);
      },
    };
  }

  const notExtending = (): Holder => ({
    renewal: startProcess(asItIs, { clock: { ...systemClock, every: () => () => {} } }),
    turn: async () => {},
  });

  async function outlastLease({ renewal, turn }: Holder): Promise<void> {
    const held = hold();
    const renewing = fixture.renew(key, renewal);
    await held.reached();
    for (let seconds = 0; seconds < 20; seconds += 5) {
      await fixture.databaseClock.advance(5);
      await turn();
    }
    await fixture.renew(key, startProcess(asItIs));
    held.release();
    await renewing;
  }

  test('keeps the grant', async () => {
    await outlastLease(extending());

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    await expectKept();
  });

  test('loses it without extending its lease (negative control)', async () => {
    await outlastLease(notExtending());

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 1 });
    await expectLost();
  });
});

describe('a write-back that is repeated after the next renewal because its commit was not acknowledged', () => {
  async function repeatWriteBack(db: (own: Db) => Db): Promise<void> {
    const deaf = createGate();
    let commits = 0;
    const after = async () => {
      commits += 1;
      if (commits > 1) return;
      await deaf.pass();
      throw new Error('the connection is gone, and with it the word that the tokens are stored');
    };
    const process = startProcess((own) => obstructed(db(own), { part: STORE_RENEWAL, after }));
    const renewing = fixture.renew(key, process);
    await deaf.reached;
    expect(await fixture.renew(key)).toMatchObject({ kind: 'renewed', versions: { tokenVersion: 3 } });
    deaf.open();
    await renewing;
    expect(commits).toBe(2);
  }

  test('keeps the grant', async () => {
    await repeatWriteBack(asItIs);

    await expectKept();
  });

  test('loses it without fences (negative control)', async () => {
    await repeatWriteBack((own) => without(WRITE_BACK_FENCES, own));

    expect(fixture.grants(key)).toEqual({ succeeded: 2, failed: 0 });
    expect(await fixture.renew(key)).toMatchObject({ kind: 'reauth-required' });
    expect(await fixture.isAlive(key)).toBe(false);
  });
});

describe('an answer that arrives after the user has revoked, disconnected and connected again', () => {
  async function depositMeanwhile(db: (own: Db) => Db): Promise<void> {
    const { control } = fixture.authorizationServer;
    const held = control.interceptTokenRequests({ do: 'hold-after-processing' }, { accountId: key.userId });
    const renewing = fixture.renew(key, startProcess(db));
    await held.reached();
    control.revokeGrants(key.userId);
    await disconnectCredential(fixture.pool, key);
    await fixture.connect(key);
    held.release();
    await renewing;
  }

  test('does not touch the new grant', async () => {
    await depositMeanwhile(asItIs);

    await expectKept();
  });

  test('replaces the new grant without fences (negative control)', async () => {
    await depositMeanwhile((own) => without(WRITE_BACK_FENCES, own));

    await expectLost();
  });
});

describe('an answer that is stored after another process has taken over the lease', () => {
  async function takeOver(db: (own: Db) => Db): Promise<void> {
    const [late, other] = [createGate(), createGate()];
    // Nothing turns in a frozen process, its extensions neither.
    const clock = { ...systemClock, every: () => () => {} };
    const frozen = startProcess((own) => obstructed(db(own), { part: STORE_RENEWAL, before: late.pass }), {
      clock,
    });
    const renewing = fixture.renew(key, frozen);
    await late.reached;
    await fixture.databaseClock.advance(15);
    const process = startProcess((own) => obstructed(own, { part: RECORD_INTENT, before: other.pass }));
    const takingOver = fixture.renew(key, process);
    await other.reached;
    late.open();
    await renewing;
    other.open();
    await takingOver;
  }

  test('keeps the grant', async () => {
    await takeOver(asItIs);

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    await expectKept();
  });

  test('loses it when it is fenced by the lease alone (negative control)', async () => {
    await takeOver((own) => without(WRITE_BACK_FENCES_BUT_LEASE, own));

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 1 });
    await expectLost();
  });
});

test('removing a guard that is not in the code fails', async () => {
  const removal = { statement: 'SELECT 1', guard: 'WHERE', by: '' };

  expect(() => without([removal], fixture.pool).query('SELECT 1')).toThrow('no guard "WHERE"');
});
