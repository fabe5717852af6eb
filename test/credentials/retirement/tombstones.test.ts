import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { readConnection } from '../../../src/credentials/credential-store.ts';
import { depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import {
  disconnectCredential,
  dropPendingRevocation,
  findPendingRevocation,
  forgetConnections,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { purgeForgotten, purgeTombstones } from '../../../src/credentials/retirement/tombstone-store.ts';
import { registerWaiter, removeWaiters } from '../../../src/credentials/waiters/waiter-store.ts';
import { inTransaction, type Pool } from '../../../src/db/pool.ts';
import { depositSchema } from '../../../src/schemas/deposit.ts';
import { openPausePoints, type PausePoint, type PausePoints } from '../../races/lost-wake-up/pause-point.ts';
import { pauseAt } from '../../races/lost-wake-up/pausing-queries.ts';
import { type CredentialFixture, createCredentialFixture, TOKEN_ENDPOINT } from '../credential-fixture.ts';
import { patchRow, readRow } from '../credential-row.ts';

const DAYS = 30;

let fixture: CredentialFixture;
let key: CredentialKey;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  key = fixture.newKey(await fixture.register());
});

const deposit = (of = key) => fixture.deposit(of, { refreshToken: crypto.randomUUID() });

async function versionsRead(of = key) {
  return (await readConnection(fixture.pool, of))?.credential.versions;
}

async function exists(of = key): Promise<boolean> {
  const { rowCount } = await fixture.pool.query(
    'SELECT FROM mcp_credential WHERE user_id = $1 AND mcp_server_id = $2',
    [of.userId, of.mcpServerId],
  );
  return rowCount === 1;
}

/** Makes the user's credential a revoked tombstone of this age. */
async function tombstone(daysAgo: number): Promise<void> {
  await deposit();
  await disconnectCredential(fixture.pool, key);
  await revoked();
  await patchRow(fixture.pool, key, `updated_at = now() - interval '${daysAgo} days'`);
}

async function revoked(): Promise<void> {
  const jwe = await findPendingRevocation(fixture.pool, key);
  if (jwe !== undefined) await dropPendingRevocation(fixture.pool, key, jwe);
}

describe('a tombstone', () => {
  test('goes when its retention is over, and not before', async () => {
    await tombstone(DAYS - 1);
    await purgeTombstones(fixture.pool, DAYS);
    expect(await exists()).toBe(true);

    await patchRow(fixture.pool, key, `updated_at = now() - interval '${DAYS + 1} days'`);
    await purgeTombstones(fixture.pool, DAYS);

    expect(await exists()).toBe(false);
  });

  test('is kept as a connection once the user is connected again', async () => {
    await tombstone(DAYS + 1);
    const { credentialVersion } = await readRow(fixture.pool, key);
    await deposit();
    await patchRow(fixture.pool, key, `updated_at = now() - interval '${DAYS + 1} days'`);

    await purgeTombstones(fixture.pool, DAYS);

    expect(await readRow(fixture.pool, key)).toMatchObject({
      status: 'connected',
      credentialVersion: credentialVersion + 1,
    });
  });

  test('stays while its grant is still to be revoked', async () => {
    await deposit();
    await disconnectCredential(fixture.pool, key);
    await patchRow(fixture.pool, key, `updated_at = now() - interval '${DAYS + 1} days'`);

    await purgeTombstones(fixture.pool, DAYS);

    expect(await exists()).toBe(true);
  });

  test.each([
    { what: 'paused step', ofListing: false },
    { what: 'listing', ofListing: true },
  ])('stays while a $what waits on it', async ({ ofListing }) => {
    await tombstone(DAYS + 1);
    const workflowId = `step/${key.userId}/s`;
    await registerWaiter(fixture.pool, { ...key, workflowId, stepId: 's', seenVersion: 2, ofListing });

    await purgeTombstones(fixture.pool, DAYS);
    expect(await exists()).toBe(true);

    await removeWaiters(fixture.pool, workflowId);
    await purgeTombstones(fixture.pool, DAYS);
    expect(await exists()).toBe(false);
  });

  test('of a forgotten user goes at once, and only after the revocation', async () => {
    await deposit();
    await inTransaction(fixture.pool, (db) => forgetConnections(db, key.userId));

    expect(await purgeForgotten(fixture.pool, key.userId)).toBe(0);
    await revoked();
    expect(await purgeForgotten(fixture.pool, key.userId)).toBe(1);

    expect(await exists()).toBe(false);
  });

  test('of a forgotten user goes with the next run of the retention too', async () => {
    await deposit();
    await inTransaction(fixture.pool, (db) => forgetConnections(db, key.userId));
    await revoked();

    await purgeTombstones(fixture.pool, DAYS);

    expect(await exists()).toBe(false);
  });

  test('outlives a renewal that was under way at the disconnect', async () => {
    await deposit();
    await patchRow(fixture.pool, key, `lease_id = gen_random_uuid(), lease_until = now() + interval '15 s'`);
    await inTransaction(fixture.pool, (db) => forgetConnections(db, key.userId));
    await revoked();

    expect(await purgeForgotten(fixture.pool, key.userId)).toBe(0);

    await patchRow(fixture.pool, key, `lease_until = now() - interval '3 minutes'`);
    expect(await purgeForgotten(fixture.pool, key.userId)).toBe(1);
  });

  test('of a forgotten user who has come back is kept like any other', async () => {
    await deposit();
    await inTransaction(fixture.pool, (db) => forgetConnections(db, key.userId));
    await deposit();
    await disconnectCredential(fixture.pool, key);
    await revoked();

    expect(await purgeForgotten(fixture.pool, key.userId)).toBe(0);
  });
});

describe('versions', () => {
  test('begin at 1 when no tombstone was ever purged', async () => {
    const fresh = await createCredentialFixture();
    onTestFinished(fresh.stop);
    const first = fresh.newKey(await fresh.register());
    expect((await readConnection(fresh.pool, first))?.credential.versions).toEqual({
      credentialVersion: 0,
      tokenVersion: 0,
    });

    expect(await fresh.deposit(first, {})).toMatchObject({ kind: 'stored', version: 1 });

    expect(await readRow(fresh.pool, first)).toMatchObject({ credentialVersion: 1, tokenVersion: 1 });
  });

  test('continue above those of every purged tombstone, for every user', async () => {
    await tombstone(DAYS + 1);
    await patchRow(fixture.pool, key, 'credential_version = 700, token_version = 900');

    await purgeTombstones(fixture.pool, DAYS);

    expect(await versionsRead()).toEqual({ credentialVersion: 700, tokenVersion: 900 });
    const another = { ...key, userId: 'somebody-else' };
    expect(await deposit()).toMatchObject({ version: 701 });
    expect(await deposit(another)).toMatchObject({ version: 701 });
    expect(await readRow(fixture.pool, another)).toMatchObject({ credentialVersion: 701, tokenVersion: 901 });
  });

  test('never fall when a lower tombstone is purged later', async () => {
    await tombstone(DAYS + 1);
    await patchRow(fixture.pool, key, 'credential_version = 2000, token_version = 2000');
    await purgeTombstones(fixture.pool, DAYS);
    key = fixture.newKey(await fixture.register());
    await tombstone(DAYS + 1);
    await patchRow(fixture.pool, key, 'credential_version = 5, token_version = 5');

    await purgeTombstones(fixture.pool, DAYS);

    expect(await versionsRead()).toEqual({ credentialVersion: 2000, tokenVersion: 2000 });
  });
});

describe('a purge and a deposit at once', () => {
  let points: PausePoints;

  beforeAll(async () => {
    points = await openPausePoints(fixture.database.url);
  });

  afterAll(() => points.close());

  test('a deposit that has locked the tombstone protects it from the purge', async () => {
    await tombstone(DAYS + 1);
    const { credentialVersion } = await readRow(fixture.pool, key);
    await inTransaction(fixture.pool, async (db) => {
      await db.query('SELECT FROM mcp_credential WHERE user_id = $1 FOR UPDATE', [key.userId]);
      await purgeTombstones(fixture.pool, DAYS);
    });
    expect(await exists()).toBe(true);
    expect(await deposit()).toMatchObject({ version: credentialVersion + 1 });
  });

  test('a deposit that meets a purge under way starts above what it has purged', async () => {
    await tombstone(DAYS + 1);
    const purge = await purgeUpToItsCommit();

    const depositing = deposit();
    await purge.isWaitedFor();
    await purge.commit();

    expect(await depositing).toMatchObject({ kind: 'stored', version: purge.version + 1 });
  });

  // It saw no row. Until it looks at the floor somebody else connects, disconnects and is being purged: its
  // insert meets the row that goes, waits for that, and goes by what was known before.
  test.each([
    ['a first deposit that was overtaken by a whole connection starts above it', 'FOR SHARE'],
    ['the control: without a lock on the floor, versions restart', ''],
  ])('%s', async (_what, lock) => {
    const beforeFloor = await points.create();
    const pool = interruptedPool({
      at: 'FROM mcp_version_floor FOR SHARE',
      pause: beforeFloor,
      as: `FROM mcp_version_floor ${lock}`,
    });
    const depositing = depositThrough(pool);
    await beforeFloor.reached();
    await tombstone(DAYS + 1);
    const purge = await purgeUpToItsCommit();
    await beforeFloor.release();
    await purge.isWaitedFor();
    await purge.commit();

    const outcome = await depositing;

    const expected =
      lock === '' ? expect.toSatisfy((version: number) => version < purge.version) : purge.version + 1;
    expect(outcome).toMatchObject({ kind: 'stored', version: expected });
  });

  let purges = 0;
  /** The purge of this user's tombstone, under a version higher than all before; it has done all but commit. */
  async function purgeUpToItsCommit() {
    purges += 1;
    const version = 1_000_000 * purges;
    await patchRow(fixture.pool, key, `credential_version = ${version}, token_version = ${version}`);
    const beforeCommit = await points.create();
    const purging = purgeTombstones(interruptedPool({ at: 'COMMIT', pause: beforeCommit }), DAYS);
    await beforeCommit.reached();
    return {
      version,
      /** Resolves when somebody waits for the end of the purge. */
      isWaitedFor: () => expect.poll(someoneWaits, { timeout: 20_000, interval: 10 }).toBe(true),
      async commit() {
        await beforeCommit.release();
        expect(await purging).toBe(1);
      },
    };
  }

  // Only the purge updates the floor. Other tests wait for locks on the same Postgres at the same time.
  async function someoneWaits(): Promise<boolean> {
    const { rowCount } = await fixture.pool.query(
      `SELECT FROM pg_stat_activity waiting
         JOIN pg_locks of_purge ON of_purge.pid = ANY (pg_blocking_pids(waiting.pid))
        WHERE of_purge.relation = 'mcp_version_floor'::regclass AND of_purge.mode = 'RowExclusiveLock'
          AND of_purge.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rowCount !== 0;
  }

  async function depositThrough(pool: Pool) {
    const deps = {
      ...fixture,
      ...fixture.dependencies,
      pool,
      refuseAddress: () => undefined,
      startResumption: async () => {},
    };
    const { mcpServerId } = key;
    const deposited = { mcpServerId, refreshToken: crypto.randomUUID(), tokenEndpoint: TOKEN_ENDPOINT };
    return depositCredential(deps, key.userId, depositSchema.parse(deposited));
  }

  /** The pool, but its transactions wait before the statement that holds `at`, and then run it as `as`. */
  function interruptedPool({ at, pause, as = at }: { at: string; pause: PausePoint; as?: string }): Pool {
    const connect = async () => {
      const client = await fixture.pool.connect();
      const query = async (text: string, values?: unknown[]) => {
        if (text.includes(at)) await pauseAt(fixture.pool, pause.key);
        return client.query(text.replace(at, as), values);
      };
      return { query, release: (broken?: Error) => client.release(broken) };
    };
    const query = (text: string, values?: unknown[]) => fixture.pool.query(text, values);
    // The cast leaves out what neither purges nor deposits use of a pool.
    return { connect, query } as unknown as Pool;
  }
});
