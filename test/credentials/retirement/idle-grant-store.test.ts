import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import {
  type IdleGrant,
  listServersWithIdleGrants,
  takeIdleGrants,
} from '../../../src/credentials/retirement/idle-grant-store.ts';
import type { Db } from '../../../src/db/pool.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';
import { patchRow, readVersions } from '../credential-row.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** All grants are due after this share of the limit, and none before half of it. */
const LATEST = 0.75;

let fixture: CredentialFixture;
let server: RegisteredServer;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

const registerWith = (idleLimit?: string, id?: string) =>
  fixture.register({ auth: { type: 'oauth2', ...(idleLimit && { idleLimit }) } }, id);

beforeEach(async () => {
  server = await registerWith('100 days');
});

async function deposited(of = server): Promise<CredentialKey> {
  const key = fixture.newKey(of);
  await fixture.deposit(key, {});
  return key;
}

/** Makes the grant look unused for this long. */
const unusedFor = (key: CredentialKey, seconds: number) =>
  patchRow(fixture.pool, key, `grant_used_at = clock_timestamp() - make_interval(secs => ${seconds})`);

async function takeAll(options: { again?: boolean; of?: RegisteredServer } = {}): Promise<string[]> {
  const { again = false, of = server } = options;
  return usersOf(await takeIdleGrants(fixture.pool, of.id, { again, limit: 1_000 }));
}

function usersOf(grants: IdleGrant[]): string[] {
  return grants.map(({ key }) => key.userId).sort();
}

const listed = async (of = server) =>
  (await listServersWithIdleGrants(fixture.pool, { after: '', limit: 1_000 })).includes(of.id);

describe('a grant', () => {
  test('is due neither within half of the limit, nor later than after three quarters of it', async () => {
    const key = await deposited();
    await unusedFor(key, 49.9 * DAY);
    expect(await listed()).toBe(false);
    expect(await takeAll()).toEqual([]);

    await unusedFor(key, LATEST * 100 * DAY);

    expect(await listed()).toBe(true);
    const seen = await readVersions(fixture.pool, key);
    expect(await takeIdleGrants(fixture.pool, server.id, { again: false, limit: 9 })).toEqual([
      { key, seen },
    ]);
  });

  test('is due by the time of the database', async () => {
    const key = await deposited();
    await fixture.databaseClock.advance(49 * DAY);
    expect(await takeAll()).toEqual([]);

    await fixture.databaseClock.advance(26 * DAY);

    expect(await takeAll()).toEqual([key.userId]);
  });

  test('that is newly deposited is not due', async () => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);

    await fixture.deposit(key, { refreshToken: 'r2' });

    expect(await takeAll()).toEqual([]);
  });

  test('that is deposited again unchanged does not count as used', async () => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);

    await fixture.deposit(key, {});

    expect(await takeAll()).toEqual([key.userId]);
  });

  test.each([
    ['waits for its user', "status = 'reauth-required', reason = 'invalid-grant'"],
    ['was disconnected', "status = 'disconnected', grant_jwe = NULL"],
    ['is not there', 'grant_jwe = NULL'],
    ['is for a former party', 'server_revision = server_revision - 1'],
  ])('is never due when it %s', async (_what, assignments) => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);
    expect(await listed()).toBe(true);

    await patchRow(fixture.pool, key, assignments);

    expect(await listed()).toBe(false);
    expect(await takeAll()).toEqual([]);
  });

  test('is never due at a server without a limit or a removed one', async () => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);
    await registerWith(undefined, server.id);
    expect(await takeAll()).toEqual([]);
    await registerWith('100 days', server.id);
    await fixture.servers.remove(server.id);
    expect(await takeAll()).toEqual([]);
    expect(await listed()).toBe(false);
  });

  test('is due sooner as soon as its server has a shorter limit', async () => {
    const key = await deposited();
    await unusedFor(key, 40 * DAY);
    expect(await takeAll()).toEqual([]);

    await registerWith('50 days', server.id);

    expect(await takeAll()).toEqual([key.userId]);
  });
});

test('what was deposited in the same hour comes due evenly over a quarter of the limit', async () => {
  const { id, revision } = server;
  await fixture.pool.query(
    `INSERT INTO mcp_credential (user_id, mcp_server_id, server_revision, status, credential_version,
       token_version, grant_jwe, refresh_fingerprint)
     SELECT 'spread-' || n, $1, $2, 'connected', 1, 1, 'jwe', 'k1.hash' FROM generate_series(1, 1000) AS n`,
    [id, revision],
  );
  const dueAfter = async (days: number) => {
    await fixture.pool.query(
      `UPDATE mcp_credential SET renewal_tried_at = NULL,
         grant_used_at = clock_timestamp() - make_interval(days => $2) WHERE mcp_server_id = $1`,
      [id, days],
    );
    return (await takeAll()).length;
  };

  expect(await dueAfter(49)).toBe(0);
  let before = 0;
  for (const days of [55, 60, 65, 70, 75]) {
    const due = await dueAfter(days);
    // About a fifth each. The distribution is binomial, and the tolerance is over five times its deviation.
    expect(due - before).toBeGreaterThan(130);
    expect(due - before).toBeLessThan(270);
    before = due;
  }
  expect(before).toBe(1_000);
});

test('a user comes due at the same time of each period', async () => {
  const key = await deposited();
  const dueAfter = async (days: number) => {
    await unusedFor(key, days * DAY);
    await patchRow(fixture.pool, key, 'renewal_tried_at = NULL');
    return (await takeAll()).length === 1;
  };
  const firstDay = async () => {
    for (let day = 50; day <= 75; day++) if (await dueAfter(day)) return day;
    return undefined;
  };

  const day = await firstDay();

  expect(day).toBeGreaterThanOrEqual(50);
  expect(await firstDay()).toBe(day);
});

describe('a failed try', () => {
  test('is not repeated for a while, and then comes after untried grants', async () => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);
    expect(await takeAll()).toEqual([key.userId]);
    expect(await takeAll()).toEqual([]);
    expect(await takeAll({ again: true })).toEqual([]);
    expect(await listed()).toBe(false);

    await fixture.databaseClock.advance(6 * HOUR);

    expect(await listed()).toBe(true);
    expect(await takeAll()).toEqual([]);
    expect(await takeAll({ again: true })).toEqual([key.userId]);
    expect(await takeAll({ again: true })).toEqual([]);
  });

  test('is repeated at least twelve times before a short limit', async () => {
    const short = await registerWith('1 hour');
    const key = await deposited(short);
    await unusedFor(key, LATEST * HOUR);
    expect(await takeAll({ of: short })).toEqual([key.userId]);

    await fixture.databaseClock.advance((0.25 * HOUR) / 12);

    expect(await takeAll({ of: short, again: true })).toEqual([key.userId]);
  });

  test('does not count once the grant has been used', async () => {
    const key = await deposited();
    await unusedFor(key, 90 * DAY);
    await takeAll();
    await fixture.deposit(key, { refreshToken: 'r2' });

    await fixture.databaseClock.advance(75 * DAY);

    expect(await takeAll()).toEqual([key.userId]);
  });
});

test('grants unused for longest come first', async () => {
  const keys = await Promise.all([80, 95, 90].map((days) => depositedBefore(days)));
  const taken: string[] = [];
  for (const _ of keys) {
    taken.push(...usersOf(await takeIdleGrants(fixture.pool, server.id, { again: false, limit: 1 })));
  }

  expect(taken).toEqual([1, 2, 0].map((n) => keys[n]?.userId));
});

async function depositedBefore(days: number): Promise<CredentialKey> {
  const key = await deposited();
  await unusedFor(key, days * DAY);
  return key;
}

describe('two that take at once', () => {
  test('are never given the same grant', async () => {
    const { userId } = await depositedBefore(90);

    expect((await takeTwiceAtOnce(fixture.pool)).flat()).toEqual([userId]);
  });

  test('are given the same grant without the second check under the lock (negative control)', async () => {
    const { userId } = await depositedBefore(90);
    const query = (sql: string, values: unknown[]) =>
      fixture.pool.query(sql.replace(/-- Once more[\s\S]*?RETURNING/, 'RETURNING'), values);

    // The cast is safe: the code under test calls `query` with a text and values alone.
    expect((await takeTwiceAtOnce({ query } as Db)).flat()).toEqual([userId, userId]);
  });
});

/** Both have found the grant before either takes it. */
async function takeTwiceAtOnce(db: Db): Promise<string[][]> {
  const blocker = await fixture.pool.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT FROM mcp_credential WHERE mcp_server_id = $1 FOR UPDATE', [server.id]);
  const takes = [1, 2].map(() => takeIdleGrants(db, server.id, { again: false, limit: 1 }));
  await expect.poll(waitingForLocks, { timeout: 20_000 }).toBe(2);
  await blocker.query('COMMIT');
  blocker.release();
  return (await Promise.all(takes)).map(usersOf);
}

async function waitingForLocks(): Promise<number> {
  const { rows } = await fixture.pool.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

test('servers are listed page by page', async () => {
  const servers = await Promise.all([1, 2, 3].map(() => registerWith('1 hour')));
  for (const one of servers) await unusedFor(await deposited(one), HOUR);
  const ids = servers.map(({ id }) => id).sort();
  const listedIds: string[] = [];
  for (let after = ''; ; ) {
    const [id] = await listServersWithIdleGrants(fixture.pool, { after, limit: 1 });
    if (id === undefined) break;
    listedIds.push(id);
    after = id;
  }

  expect(listedIds.filter((id) => ids.includes(id))).toEqual(ids);
});
