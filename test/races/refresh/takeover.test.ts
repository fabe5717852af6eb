import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import { holdLease } from '../../../src/credentials/refresh/lease.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { patchRow, readRow, readTokens, readVersions } from '../../credentials/credential-row.ts';
import {
  heldBack,
  inTurn,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from '../../credentials/refresh/scripted-token-endpoint.ts';
import { createGate, obstructed, RECORD_INTENT } from './obstructed-db.ts';

let stand: CredentialFixture;
let endpoint: ScriptedTokenEndpoint;
let server: RegisteredServer;
let key: CredentialKey;

beforeAll(async () => {
  [stand, endpoint] = await Promise.all([createCredentialFixture(), startScriptedTokenEndpoint()]);
  server = await stand.register();
});

afterAll(() => Promise.all([stand.stop(), endpoint.stop()]));

beforeEach(async () => {
  endpoint.seen.length = 0;
  endpoint.answer(tokens({ refresh_token: 'r2' }));
  key = stand.newKey(server);
  await stand.deposit(key, { refreshToken: 'r1', accessToken: 'a1', tokenEndpoint: endpoint.url });
});

const renew = async (renewal = stand.renewal): Promise<RenewalOutcome> =>
  renewal.renew(key, await readVersions(stand.pool, key));

const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };

/** A process died between its intent and its write-back. */
const crash = () =>
  patchRow(
    stand.pool,
    key,
    `grant_seq = 1, lease_id = '${randomUUID()}', lease_until = clock_timestamp() - interval '1 second'`,
  );

describe('taking over after a crash', () => {
  test('makes good what the crashed process did not get to send', async () => {
    await crash();

    expect(await renew()).toEqual(RENEWED);

    expect(endpoint.seen).toHaveLength(1);
    expect(await readRow(stand.pool, key)).toMatchObject({ grantSeq: 2, storedSeq: 2, isLeased: false });
  });

  test('tells the user of a lost outcome when the token was spent', async () => {
    await crash();
    endpoint.answer(oauthError('invalid_grant'));

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'refresh-outcome-lost' });

    expect(endpoint.seen).toHaveLength(1);
  });

  test('tries once, and leaves the rest for later', async () => {
    await crash();
    endpoint.answer(raw(500, ''));

    expect(await renew()).toEqual({ kind: 'unavailable', cause: 'http-500' });

    expect(endpoint.seen).toHaveLength(1);
    const expected = { status: 'connected', grantSeq: 2, storedSeq: 0, isLeased: false };
    expect(await readRow(stand.pool, key)).toMatchObject(expected);
  });

  test('keeps in mind that an outcome may be lost while the server says 429', async () => {
    await crash();
    endpoint.answer(inTurn(raw(429, ''), oauthError('invalid_grant')));
    expect(await renew()).toMatchObject({ kind: 'unavailable', cause: 'rate-limited' });

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'refresh-outcome-lost' });
  });

  test('forgets it with the next deposit', async () => {
    await crash();
    await stand.deposit(key, { refreshToken: 'r9', tokenEndpoint: endpoint.url });
    endpoint.answer(oauthError('invalid_grant'));

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
  });
});

describe('a holder that was frozen', () => {
  test('brings its answer back after a takeover: as good as a deposit', async () => {
    const held = heldBack(tokens({ refresh_token: 'r2' }));
    endpoint.answer(inTurn(held.reply, oauthError('invalid_grant')));
    const frozen = renew();
    await endpoint.arrived(1);
    await stand.databaseClock.advance(15);
    expect(await renew(stand.anotherProcess().renewal)).toMatchObject({ reason: 'refresh-outcome-lost' });

    held.letGo();

    const versions = { credentialVersion: 2, tokenVersion: 2 };
    expect(await frozen).toEqual({ kind: 'renewed', versions });
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'connected', reason: null, ...versions });
    expect((await readTokens(stand, key)).grant).toMatchObject({ refreshToken: 'r2' });
    expect(stand.recovered.splice(0)).toEqual([{ ...key, version: 2 }]);
  });

  test('brings its answer back, and the user is told of a lost outcome when that is refused too', async () => {
    const held = heldBack(tokens({ refresh_token: 'r2' }));
    endpoint.answer(inTurn(held.reply, oauthError('invalid_grant')));
    const frozen = renew();
    await endpoint.arrived(1);
    await stand.databaseClock.advance(15);
    await renew(stand.anotherProcess().renewal);
    held.letGo();
    await frozen;

    // As a server that detects reuse: it has revoked the grant when the spent token came again.
    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'refresh-outcome-lost' });
    stand.recovered.length = 0;
  });

  test('drops its answer when the one who took over has stored a later one', async () => {
    const held = heldBack(tokens({ refresh_token: 'early' }));
    endpoint.answer(inTurn(held.reply, tokens({ refresh_token: 'late' })));
    const frozen = renew();
    await endpoint.arrived(1);
    await stand.databaseClock.advance(15);
    expect(await renew(stand.anotherProcess().renewal)).toEqual(RENEWED);

    held.letGo();

    expect(await frozen).toEqual(RENEWED);
    expect((await readTokens(stand, key)).grant).toMatchObject({ refreshToken: 'late' });
    expect(stand.recovered).toEqual([]);
  });

  test('keeps the one who took over from sending when its answer comes first', async () => {
    const held = heldBack(tokens({ refresh_token: 'r2' }));
    endpoint.answer(held.reply);
    const frozen = renew();
    await endpoint.arrived(1);
    await stand.databaseClock.advance(15);
    const gate = createGate();
    const process = stand.anotherProcess();
    const db = obstructed(process.pool, { part: RECORD_INTENT, before: gate.pass });
    const other = renew(stand.anotherProcess({ db }).renewal);
    await gate.reached;

    held.letGo();
    expect(await frozen).toEqual(RENEWED);
    gate.open();

    expect(await other).toEqual({ kind: 'busy' });
    expect(endpoint.seen).toHaveLength(1);
  });

  test('keeps the user from being asked when its answer comes before the refusal of the same token', async () => {
    const held = heldBack(tokens({ refresh_token: 'r2' }));
    const refusal = heldBack(oauthError('invalid_grant'));
    endpoint.answer(inTurn(held.reply, refusal.reply));
    const frozen = renew();
    await endpoint.arrived(1);
    await stand.databaseClock.advance(15);
    const other = renew(stand.anotherProcess().renewal);
    await endpoint.arrived(2);

    held.letGo();
    expect(await frozen).toEqual(RENEWED);
    refusal.letGo();

    expect(await other).toEqual(RENEWED);
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'connected', isLeased: false });
  });

  test('sends nothing when little of its lease is left', async () => {
    const gate = createGate();
    const db = obstructed(stand.pool, { part: RECORD_INTENT, before: gate.pass });
    const frozen = renew(stand.anotherProcess({ db }).renewal);
    await gate.reached;
    await stand.databaseClock.advance(11);

    gate.open();

    expect(await frozen).toEqual({ kind: 'busy' });
    expect(endpoint.seen).toEqual([]);
    expect(await readRow(stand.pool, key)).toMatchObject({ grantSeq: 0 });
  });

  test.each(['monotonicMs', 'wallMs'] as const)(
    'sends nothing when 5 s pass before the first byte, by the %s of its clock',
    async (name) => {
      let ahead = 0;
      const clock: Clock = { ...systemClock, [name]: () => systemClock[name]() + ahead };
      const { guardedFetch } = stand.dependencies;
      const renewal = stand.anotherProcess({
        clock,
        guardedFetch: (url, init) => {
          ahead += 5_001;
          return guardedFetch(url, init);
        },
      }).renewal;

      expect(await renew(renewal)).toEqual({ kind: 'unavailable', cause: 'vetoed' });

      expect(endpoint.seen).toEqual([]);
      expect(await readRow(stand.pool, key)).toMatchObject({ grantSeq: 0, isLeased: false });
    },
  );
});

describe('a holder that is alive', () => {
  test('keeps its lease for as long as it needs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const extended = vi.fn(async () => {});
    const db = obstructed(stand.pool, { part: 'SET lease_until', after: extended });
    const lease = await holdLease({ ...stand.dependencies, db }, key, await readVersions(stand.pool, key));
    for (let turn = 1; turn <= 6; turn += 1) {
      await stand.databaseClock.advance(5);
      vi.advanceTimersByTime(5_000);
      await vi.waitFor(() => expect(extended).toHaveBeenCalledTimes(turn), { timeout: 20_000 });
    }

    expect(await holdLease(stand.dependencies, key, await readVersions(stand.pool, key))).toBeUndefined();

    await lease?.release();
    expect(await readRow(stand.pool, key)).toMatchObject({ isLeased: false });
    expect(vi.getTimerCount()).toBe(0);
  });
});
