import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { type RefreshGrantOutcome, refreshGrant } from '../../src/oauth/refresh-grant.ts';
import {
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
  trickle,
} from '../credentials/refresh/scripted-token-endpoint.ts';

let endpoint: ScriptedTokenEndpoint;

beforeEach(async () => {
  endpoint = await startScriptedTokenEndpoint();
  return () => endpoint.stop();
});

function refresh(beforeFirstByte = () => {}): Promise<RefreshGrantOutcome> {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  return refreshGrant(network.fetch, {
    tokenEndpoint: endpoint.url,
    addressFrom: 'user',
    refreshToken: 'r1',
    beforeFirstByte,
  });
}

describe('the time limit', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    return () => void vi.useRealTimers();
  });

  test('is a minute after the request was sent', async () => {
    let answer = () => {};
    endpoint.answer((...exchange) => {
      answer = () => tokens()(...exchange);
    });
    const refreshing = refresh();
    await endpoint.arrived(1);
    await vi.advanceTimersByTimeAsync(59_000);

    answer();

    expect(await refreshing).toMatchObject({ kind: 'tokens' });
  });

  test('ends a wait for an answer, and the token may be spent', async () => {
    endpoint.answer(() => {});
    const refreshing = refresh();
    await endpoint.arrived(1);

    await vi.advanceTimersByTimeAsync(60_000);

    expect(await refreshing).toMatchObject({ kind: 'unusable' });
  });

  test('ends an answer that trickles in without end', async () => {
    endpoint.answer(trickle());
    const refreshing = refresh();
    await endpoint.arrived(1);

    for (let second = 0; second < 60; second += 1) await vi.advanceTimersByTimeAsync(1_000);

    expect(await refreshing).toMatchObject({ kind: 'unusable' });
  });
});

test('a veto before the first byte means that nothing was sent', async () => {
  const veto = () => {
    throw new Error('too late');
  };

  expect(await refresh(veto)).toEqual({ kind: 'not-sent', cause: 'vetoed' });

  expect(endpoint.seen).toEqual([]);
});

test.each([
  ['seconds', { 'retry-after': '30' }, 30_000],
  ['an HTTP date in the past', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
  [
    'an HTTP date by the clock of the server',
    { 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
    30_000,
  ],
])('Retry-After in %s is passed on', async (_form, headers, retryAfterMs) => {
  endpoint.answer(raw(429, '', headers));

  expect(await refresh()).toEqual({ kind: 'rate-limited', retryAfterMs });
});

test('no answer of a server makes it throw', async () => {
  const statuses = [200, 201, 204, 301, 400, 401, 403, 404, 407, 408, 418, 421, 425, 500, 503, 599];
  for (const status of statuses) {
    endpoint.answer(raw(status, '{"error":'));
    expect(await refresh(), `${status}`).toEqual({ kind: 'unusable', cause: `http-${status}` });
  }
  expect(endpoint.seen).toHaveLength(statuses.length);
});

describe('a scope that quotes what was sent or issued', () => {
  const REFRESH = 'refresh-0123456789';
  const SECRET = 'client-secret*0123';
  /** What Basic sends. RFC 6749 §2.3.1. */
  const BASIC = 'client:client-secret%2A0123';

  async function scopeOf(scope: string): Promise<string | undefined> {
    const network = createGuardedFetch({ policy: 'development' });
    onTestFinished(() => network.close(0));
    endpoint.answer(
      tokens({ access_token: 'access-0123456789', refresh_token: 'rotated-0123456789', scope }),
    );
    const outcome = await refreshGrant(network.fetch, {
      tokenEndpoint: endpoint.url,
      addressFrom: 'user',
      refreshToken: REFRESH,
      clientId: 'client',
      clientSecret: SECRET,
      beforeFirstByte: () => {},
    });
    return outcome.kind === 'tokens' ? outcome.answer.scope : outcome.kind;
  }

  test.each<[string, string | undefined]>([
    ['read write', 'read write'],
    [`read ${REFRESH} write`, 'read write'],
    [`read urn:${SECRET}`, 'read'],
    ['read access-0123456789', 'read'],
    ['read rotated-0123456789', 'read'],
    [`read ${Buffer.from(SECRET).toString('base64url')}`, 'read'],
    [`read ${btoa(BASIC)}`, 'read'],
    [`read Basic:${btoa(BASIC).replaceAll('=', '')}`, 'read'],
    [`read ${BASIC}`, 'read'],
    [`read ${encodeURIComponent(btoa(BASIC))}`, 'read'],
    [`read ${btoa(btoa(BASIC))}`, 'read'],
    [REFRESH, undefined],
  ])('%s is kept as %s', async (scope, expected) => {
    expect(await scopeOf(scope)).toBe(expected);
  });
});
