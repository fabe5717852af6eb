import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { type Access, type ReadyAccess, readAccess } from '../../../src/credentials/access.ts';
import { freshToken } from '../../../src/credentials/refresh/fresh-token.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { createPool } from '../../../src/db/pool.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { patchRow } from '../credential-row.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';
import {
  json,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from './scripted-token-endpoint.ts';

let stand: CredentialFixture;
let endpoint: ScriptedTokenEndpoint;
let server: RegisteredServer;
let key: CredentialKey;
/** The process's clocks, as far as they have gone on. */
let passed: { monotonic: number; wall: number };

beforeAll(async () => {
  [stand, endpoint] = await Promise.all([createCredentialFixture(), startScriptedTokenEndpoint()]);
  server = await stand.register();
});

afterAll(() => Promise.all([stand.stop(), endpoint.stop()]));

beforeEach(() => {
  key = stand.newKey(server);
  passed = { monotonic: 0, wall: 0 };
  endpoint.answer(tokens());
});

const clock = { monotonicMs: () => passed.monotonic, wallMs: () => passed.wall };
const deps = () => ({ db: stand.pool, vault: stand.vault, renewal: stand.renewal, clock });
const connect = (expiresIn?: number) =>
  stand.deposit(key, {
    tokenEndpoint: endpoint.url,
    accessToken: 'a1',
    ...(expiresIn !== undefined && { expiresIn }),
  });
const seen = { credentialVersion: 1, tokenVersion: 1 };

async function ready(justRenewed?: number): Promise<ReadyAccess> {
  const access: Access = await readAccess(deps(), key, justRenewed);
  if (access.kind !== 'ready') throw new Error(`not ready: ${access.kind}`);
  return access;
}

describe('the deadline of an access token', () => {
  test.each([
    ['as time goes on', 'both'],
    ['on a machine that was suspended', 'wall'],
    ['though the clock was set back', 'monotonic'],
  ] as const)('is what the database said, %s', async (_, which) => {
    await connect(3_600);
    await stand.databaseClock.advance(3_500);
    const access = await ready();
    // 40 s are left, less what has passed since the deposit.
    const pass = (ms: number) => {
      passed = { monotonic: which === 'wall' ? 0 : ms, wall: which === 'monotonic' ? -ms : ms };
    };
    pass(20_000);
    expect(access.tokenIsDue?.()).toBe(false);
    pass(40_000);
    expect(access.tokenIsDue?.()).toBe(true);
  });

  test('is not known where nobody has stated a lifetime', async () => {
    await connect();
    expect(await ready()).not.toHaveProperty('tokenIsDue');
  });

  test('is over at once for a token that was renewed and lives no longer', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    await stand.renewal.renew(key, seen);
    const access = await ready(2);
    expect(access.tokenJustRenewed).toBe(true);
    expect(access.tokenIsDue?.()).toBe(true);
  });

  test('holds for a token that was just renewed, and then left lying', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 0 }));
    await stand.renewal.renew(key, seen);
    await stand.databaseClock.advance(20);
    expect((await ready(2)).bearerToken).toBe('a2');
    await stand.databaseClock.advance(20);
    expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
  });
});

describe('a token that was just renewed', () => {
  test.each([
    [20, 16],
    [60, 50],
    [3_600, 3_550],
  ])('and lives %i s is used after %i s, when it is due, and not once it has expired', async (lives, due) => {
    await connect();
    endpoint.answer(tokens({ expires_in: lives }));
    await stand.renewal.renew(key, seen);
    await stand.databaseClock.advance(due);
    const access = await ready(2);
    expect(access.tokenIsDue?.()).toBe(true);
    expect(access.tokenIsExpired?.()).toBe(false);

    passed = { monotonic: (lives - due) * 1_000, wall: 0 };
    expect(access.tokenIsExpired?.()).toBe(true);

    await stand.databaseClock.advance(lives - due);
    expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
  });

  test('or deposited since, with a life of its own, is judged by that', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 3_600 }));
    await stand.renewal.renew(key, seen);
    await stand.deposit(key, {
      tokenEndpoint: endpoint.url,
      refreshToken: 'r9',
      accessToken: 'a9',
      expiresIn: 60,
    });
    await stand.databaseClock.advance(50);
    expect((await ready(2)).tokenIsExpired?.()).toBe(false);
    await stand.databaseClock.advance(11);
    expect(await readAccess(deps(), key, 2)).toMatchObject({ kind: 'token-stale' });
  });

  test('by a worker that writes no expiry is used for a while after it is due, as before', async () => {
    await connect();
    endpoint.answer(tokens({ expires_in: 60 }));
    await stand.renewal.renew(key, seen);
    await patchRow(stand.pool, key, "expires_at = renew_after - interval '1 min'");
    await stand.databaseClock.advance(65);
    const access = await ready(2);
    expect(access).toMatchObject({ bearerToken: 'a2', tokenJustRenewed: true });
    expect(access).not.toHaveProperty('tokenIsExpired');
  });
});

describe('a token is the current one', () => {
  test('until it is due by the clock of the database, whatever the process believes', async () => {
    await connect(3_600);
    const access = await ready();
    expect(await access.tokenIsCurrent?.()).toBe(true);
    await stand.databaseClock.advance(3_545);
    expect(access.tokenIsDue?.()).toBe(false);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('until it is renewed', async () => {
    await connect();
    const access = await ready();
    await stand.renewal.renew(key, seen);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('until the user disconnects', async () => {
    await connect();
    const access = await ready();
    await disconnectCredential(stand.pool, key);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });

  test('as far as the store can be read', async () => {
    await connect();
    const db = createPool({ databaseUrl: stand.database.url, size: 1, onIdleError: () => {} });
    const access = await readAccess({ ...deps(), db }, key);
    await db.end();
    if (access.kind !== 'ready') throw new Error(`not ready: ${access.kind}`);
    expect(await access.tokenIsCurrent?.()).toBe(false);
  });
});

describe('a fresh token for a call under way', () => {
  const fresh = () => freshToken(deps(), key, seen);

  test('is the stored one where that is good', async () => {
    await connect();
    await stand.renewal.renew(key, seen);
    const requests = endpoint.seen.length;
    expect(await fresh()).toMatchObject({ bearerToken: 'a2' });
    expect(endpoint.seen).toHaveLength(requests);
  });

  test('is renewed once for all where that is due', async () => {
    await connect(3_600);
    await stand.databaseClock.advance(3_545);
    const requests = endpoint.seen.length;
    const found = await Promise.all([fresh(), fresh(), fresh()]);
    expect(found.map((token) => token?.bearerToken)).toEqual(['a2', 'a2', 'a2']);
    expect(endpoint.seen).toHaveLength(requests + 1);
  });

  test.each([
    ['lives no longer', tokens({ expires_in: 0 })],
    ['can not be had', json(503, {})],
    ['is refused', json(400, { error: 'invalid_grant' })],
  ])(
    'is none where a new one %s',
    async (_, reply) => {
      await connect(0);
      endpoint.answer(reply);
      expect(await fresh()).toBeUndefined();
    },
    20_000,
  );

  test('is none of another consent, which may be another account’s', async () => {
    await connect();
    await stand.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url, accessToken: 'theirs' });
    expect((await ready()).bearerToken).toBe('theirs');
    expect(await fresh()).toBeUndefined();
  });

  test('is none of a user who has disconnected', async () => {
    await connect();
    await disconnectCredential(stand.pool, key);
    expect(await fresh()).toBeUndefined();
  });

  test('is none where the store can not be read', async () => {
    const db = createPool({ databaseUrl: stand.database.url, size: 1, onIdleError: () => {} });
    await db.end();
    expect(await freshToken({ ...deps(), db }, key, seen)).toBeUndefined();
  });
});
