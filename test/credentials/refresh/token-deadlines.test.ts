import { describe, expect } from 'vitest';
import { type Access, type ReadyAccess, readAccess } from '../../../src/credentials/access.ts';
import { freshToken } from '../../../src/credentials/refresh/fresh-token.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { createPool } from '../../../src/db/pool.ts';
import { patchRow } from '../credential-row.ts';
import { endpointTest } from '../fixtures.ts';
import { json, tokens } from './scripted-token-endpoint.ts';

const test = endpointTest
  .extend('endpoint', ({ endpoint }) => {
    endpoint.answer(tokens());
    return endpoint;
  })
  /** How far the process's clocks have advanced, ms. */
  .extend('passed', () => ({ monotonic: 0, wall: 0 }))
  .extend('deps', ({ passed, fixture }) => () => {
    const clock = { monotonicMs: () => passed.monotonic, wallMs: () => passed.wall };
    return { db: fixture.pool, vault: fixture.vault, renewal: fixture.renewal, clock };
  })
  .extend(
    'connect',
    ({ fixture, key, endpoint }) =>
      (expiresIn?: number) =>
        fixture.deposit(key, {
          tokenEndpoint: endpoint.url,
          accessToken: 'a1',
          ...(expiresIn !== undefined && { expiresIn }),
        }),
  )
  .extend('ready', ({ deps, key }) => async (justRenewed?: number): Promise<ReadyAccess> => {
    const access: Access = await readAccess(deps(), key, justRenewed);
    if (access.kind !== 'ready') throw new Error(`not ready: ${access.kind}`);
    return access;
  })
  .extend(
    'fresh',
    ({ deps, key }) =>
      () =>
        freshToken(deps(), key, seen),
  );

const seen = { credentialVersion: 1, tokenVersion: 1 };

describe('the deadline of an access token', () => {
  test.for([
    ['as time goes on', 'both'],
    ['on a machine that was suspended', 'wall'],
    ['though the clock was set back', 'monotonic'],
  ] as const)('is what the database said, %s', async ([_, which], { connect, fixture, passed, ready }) => {
    await connect(3_600);
    await fixture.databaseClock.advance(3_500);
    const access = await ready();
    // 40 s are left, less what has passed since the deposit.
    const pass = (ms: number) => {
      Object.assign(passed, { monotonic: which === 'wall' ? 0 : ms, wall: which === 'monotonic' ? -ms : ms });
    };
    pass(20_000);
    expect(access.tokenIsDue?.()).toBe(false);
    pass(40_000);
    expect(access.tokenIsDue?.()).toBe(true);
  });

  test('is unknown without a stated lifetime', async ({ connect, ready }) => {
    await connect();
    expect(await ready()).not.toHaveProperty('tokenIsDue');
  });

  test('has passed at once for a renewed token without a lifetime left', async ({
    connect,
    endpoint,
    fixture,
    key,
    ready,
  }) => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    await fixture.renewal.renew(key, seen);
    const access = await ready(2);
    expect(access.tokenJustRenewed).toBe(true);
    expect(access.tokenIsDue?.()).toBe(true);
  });

  test('holds for a token that was renewed and used later', async ({
    connect,
    deps,
    endpoint,
    fixture,
    key,
    ready,
  }) => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    await fixture.renewal.renew(key, seen);
    await fixture.databaseClock.advance(20);
    expect((await ready(2)).bearerToken).toBe('a2');
    await fixture.databaseClock.advance(20);
    expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
  });
});

describe('a token that was just renewed', () => {
  test.for([
    [20, 16],
    [60, 50],
    [3_600, 3_550],
  ] as const)(
    'and lives %i s is used after %i s, when it is due, and not once it has expired',
    async ([lives, due], { connect, deps, endpoint, fixture, key, passed, ready }) => {
      await connect();
      endpoint.answer(tokens({ expires_in: lives }));
      await fixture.renewal.renew(key, seen);
      await fixture.databaseClock.advance(due);
      const access = await ready(2);
      expect(access.tokenIsDue?.()).toBe(true);
      expect(access.tokenIsExpired?.()).toBe(false);

      Object.assign(passed, { monotonic: (lives - due) * 1_000, wall: 0 });
      expect(access.tokenIsExpired?.()).toBe(true);

      await fixture.databaseClock.advance(lives - due);
      expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
    },
  );

  test('and replaced by a deposit is judged by the lifetime of the deposit', async ({
    connect,
    deps,
    endpoint,
    fixture,
    key,
    ready,
  }) => {
    await connect();
    endpoint.answer(tokens({ expires_in: 3_600 }));
    await fixture.renewal.renew(key, seen);
    await fixture.deposit(key, {
      tokenEndpoint: endpoint.url,
      refreshToken: 'r9',
      accessToken: 'a9',
      expiresIn: 60,
    });
    await fixture.databaseClock.advance(50);
    expect((await ready(2)).tokenIsExpired?.()).toBe(false);
    await fixture.databaseClock.advance(11);
    expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
  });

  test('by a worker that writes no expiry is used for a while after it is due, as before', async ({
    connect,
    endpoint,
    fixture,
    key,
    ready,
  }) => {
    await connect();
    endpoint.answer(tokens({ expires_in: 60 }));
    await fixture.renewal.renew(key, seen);
    await patchRow(fixture.pool, key, "expires_at = renew_after - interval '1 min'");
    await fixture.databaseClock.advance(65);
    const access = await ready(2);
    expect(access).toMatchObject({ bearerToken: 'a2', tokenJustRenewed: true });
    expect(access).not.toHaveProperty('tokenIsExpired');
  });
});

describe('a token is the current one', () => {
  test('until it is due by the clock of the database, whatever the clock of the process says', async ({
    connect,
    fixture,
    ready,
  }) => {
    await connect(3_600);
    const access = await ready();
    expect(await access.tokenIsCurrent?.()).toBe(true);
    await fixture.databaseClock.advance(3_545);
    expect(access.tokenIsDue?.()).toBe(false);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('until it is renewed', async ({ connect, fixture, key, ready }) => {
    await connect();
    const access = await ready();
    await fixture.renewal.renew(key, seen);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('until the user disconnects', async ({ connect, fixture, key, ready }) => {
    await connect();
    const access = await ready();
    await disconnectCredential(fixture.pool, key);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('only while the store can be read', async ({ connect, deps, fixture, key }) => {
    await connect();
    const db = createPool({ databaseUrl: fixture.database.url, size: 1, onIdleError: () => {} });
    const access = await readAccess({ ...deps(), db }, key);
    await db.end();
    if (access.kind !== 'ready') throw new Error(`not ready: ${access.kind}`);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });
});

describe('a fresh token for a call under way', () => {
  test('is the stored one when that is good', async ({ connect, endpoint, fixture, fresh, key }) => {
    await connect();
    await fixture.renewal.renew(key, seen);
    const requests = endpoint.seen.length;
    expect(await fresh()).toMatchObject({ bearerToken: 'a2' });
    expect(endpoint.seen).toHaveLength(requests);
  });

  test('is renewed once for all callers when the stored one is due', async ({
    connect,
    endpoint,
    fixture,
    fresh,
  }) => {
    await connect(3_600);
    await fixture.databaseClock.advance(3_545);
    const requests = endpoint.seen.length;
    const found = await Promise.all([fresh(), fresh(), fresh()]);
    expect(found.map((token) => token?.bearerToken)).toEqual(['a2', 'a2', 'a2']);
    expect(endpoint.seen).toHaveLength(requests + 1);
  });

  test.for([
    ['lives no longer', tokens({ expires_in: 0 })],
    ['is unavailable', json(503, {})],
    ['is refused', json(400, { error: 'invalid_grant' })],
  ] as const)('is missing when a new one %s', async ([_, reply], { connect, endpoint, fresh }) => {
    await connect(0);
    endpoint.answer(reply);
    expect(await fresh()).toBeUndefined();
  });

  test('is missing after another consent, which may be another account’s', async ({
    connect,
    endpoint,
    fixture,
    fresh,
    key,
    ready,
  }) => {
    await connect();
    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url, accessToken: 'theirs' });
    expect((await ready()).bearerToken).toBe('theirs');
    expect(await fresh()).toBeUndefined();
  });

  test('is missing after the user has disconnected', async ({ connect, fixture, fresh, key }) => {
    await connect();
    await disconnectCredential(fixture.pool, key);
    expect(await fresh()).toBeUndefined();
  });

  test('is missing while the store cannot be read', async ({ deps, fixture, key }) => {
    const db = createPool({ databaseUrl: fixture.database.url, size: 1, onIdleError: () => {} });
    await db.end();
    expect(await freshToken({ ...deps(), db }, key, seen)).toBeUndefined();
  });
});
