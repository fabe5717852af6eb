import { describe, expect } from 'vitest';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import { createVault } from '../../../src/vault/vault.ts';
import { patchRow, readRow, readVersions } from '../credential-row.ts';
import { renewalTest } from '../fixtures.ts';
import { cut, inTurn, json, oauthError, raw, tokens } from './scripted-token-endpoint.ts';

const test = renewalTest.extend(
  'renew',
  ({ fixture, key }) =>
    async (renewal = fixture.renewal): Promise<RenewalOutcome> =>
      renewal.renew(key, await readVersions(fixture.pool, key)),
);

const FIRST = { credentialVersion: 1, tokenVersion: 1 };
const UNTOUCHED = { ...FIRST, status: 'connected', reason: null, grantSeq: 0, storedSeq: 0, isLeased: false };

const needsUser = (reason: string) => ({ kind: 'reauth-required', seen: FIRST, reason });
const marked = (reason: string) => ({ ...UNTOUCHED, status: 'reauth-required', reason });

describe('a verdict on the grant', () => {
  test.for([
    ['invalid_grant', 'invalid-grant'],
    ['bad_refresh_token', 'invalid-grant'],
    ['invalid_client', 'invalid-client'],
    ['unauthorized_client', 'invalid-client'],
  ] as const)(
    '%s asks the user, with the reason %s',
    async ([error, reason], { endpoint, fixture, key, renew }) => {
      endpoint.answer(oauthError(error, error === 'invalid_client' ? 401 : 400));

      expect(await renew()).toEqual(needsUser(reason));

      expect(await readRow(fixture.pool, key)).toEqual(marked(reason));
      expect(endpoint.seen).toHaveLength(1);
    },
  );

  test.for(['invalid_grant', 'bad_refresh_token'])(
    '%s counts inside a 200 too',
    async (error, { endpoint, renew }) => {
      endpoint.answer(oauthError(error, 200));

      expect(await renew()).toEqual(needsUser('invalid-grant'));

      expect(endpoint.seen).toHaveLength(1);
    },
  );

  test('is final: no request is sent again until a deposit', async ({ endpoint, renew }) => {
    endpoint.answer(oauthError('invalid_grant'));
    await renew();

    expect(await renew()).toEqual(needsUser('invalid-grant'));

    expect(endpoint.seen).toHaveLength(1);
  });
});

test.for(['invalid_target', 'invalid_scope', 'invalid_request', 'unsupported_grant_type'])(
  '%s is reported as misconfigured after one request, and no user is asked',
  async (error, { endpoint, fixture, key, renew }) => {
    endpoint.answer(oauthError(error));

    const outcome = await renew();

    expect(outcome).toEqual({ kind: 'misconfigured', message: expect.stringContaining(error) });
    expect(await readRow(fixture.pool, key)).toEqual(UNTOUCHED);
    expect(endpoint.seen).toHaveLength(1);
  },
);

test.for(['temporarily_unavailable', 'server_error', 'slow_down', 'ratelimited', 'rate_limit_exceeded'])(
  '%s leaves the intent in place and is retried later',
  async (error, { endpoint, fixture, key, renew }) => {
    endpoint.answer(oauthError(error));

    expect(await renew()).toEqual({ kind: 'unavailable', cause: 'oauth-error' });

    expect(await readRow(fixture.pool, key)).toEqual({ ...UNTOUCHED, grantSeq: 1 });
    expect(endpoint.seen).toHaveLength(1);
  },
);

describe('an unusable answer', () => {
  test.for([
    ['an array', json(200, [{ access_token: 'a2' }])],
    ['null', json(200, null)],
    ['a text', json(200, 'a2')],
    ['an object without tokens', json(200, { token_type: 'Bearer' })],
    ['an access token that is no text', json(200, { access_token: 42 })],
    ['HTML', raw(200, '<html>access_token</html>', { 'content-type': 'text/html' })],
    ['nothing', raw(200, '')],
    ['no content', raw(204, '')],
    ['a 401 without a word', raw(401, '')],
    ['a 400 with HTML', raw(400, '<html>Bad Request</html>', { 'content-type': 'text/html' })],
    ['a 408 in JSON', oauthError('invalid_grant', 408)],
    ['a 425 in JSON', oauthError('invalid_grant', 425)],
    ['an object whose error is null', json(200, { error: null, ok: true })],
    ['an empty object', json(200, {})],
    ['a 500', raw(500, 'Internal Server Error')],
    ['a 502 of a proxy', raw(502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' })],
    ['a 503 that speaks of the grant', oauthError('invalid_grant', 503)],
    ['a 500 with tokens', json(500, { access_token: 'a2' })],
    ['10 MB', raw(200, JSON.stringify({ access_token: 'a2', padding: 'x'.repeat(10_000_000) }))],
    ['a connection cut before it', cut()],
    ['a connection cut in the middle', cut('{"access_token":"a2",')],
  ] as const)(
    'is tried three times at once and then later: %s',
    async ([_what, reply], { endpoint, fixture, key, renew }) => {
      endpoint.answer(reply);

      expect(await renew()).toMatchObject({ kind: 'unavailable' });

      expect(endpoint.seen).toHaveLength(3);
      expect(await readRow(fixture.pool, key)).toEqual({ ...UNTOUCHED, grantSeq: 3 });
    },
  );

  test('is not tried a third time when the first failure is more than 5 s ago', async ({
    endpoint,
    fixture,
    renew,
  }) => {
    let ahead = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + ahead };
    endpoint.answer((...exchange) => {
      ahead += 5_001;
      raw(500, '')(...exchange);
    });

    expect(await renew(fixture.anotherProcess({ clock }).renewal)).toMatchObject({ kind: 'unavailable' });

    expect(endpoint.seen).toHaveLength(2);
  });

  test('is followed by a successful try when the server has a grace period', async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    endpoint.answer(inTurn(cut(), raw(500, ''), tokens({ refresh_token: 'r2' })));

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(await readRow(fixture.pool, key)).toMatchObject({ tokenVersion: 2, grantSeq: 3, storedSeq: 3 });
  });

  test('leads to refresh-outcome-lost when the server then refuses the token', async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    endpoint.answer(inTurn(cut(), oauthError('invalid_grant')));

    expect(await renew()).toEqual(needsUser('refresh-outcome-lost'));

    expect(endpoint.seen).toHaveLength(2);
    expect(await readRow(fixture.pool, key)).toEqual({ ...marked('refresh-outcome-lost'), grantSeq: 2 });
  });

  test('is not followed when it redirects', async ({ endpoint, renew }) => {
    endpoint.answer(raw(307, '', { location: '/elsewhere' }));

    expect(await renew()).toEqual({ kind: 'unavailable', cause: 'http-307' });

    expect(new Set(endpoint.seen.map(({ path }) => path))).toEqual(new Set(['/token']));
  });

  test('is retried after its retry-after, not at once', async ({ endpoint, renew }) => {
    endpoint.answer(raw(503, '', { 'retry-after': '120' }));

    expect(await renew()).toEqual({ kind: 'unavailable', cause: 'http-503', retryAfterMs: 120_000 });

    expect(endpoint.seen).toHaveLength(1);
  });
});

describe('a server that has not processed the request', () => {
  test.for([
    [{}, {}],
    [{ 'retry-after': '30' }, { retryAfterMs: 30_000 }],
    [{ 'retry-after': 'soon' }, {}],
  ] as const)(
    'answers 429: the intent is withdrawn (%o)',
    async ([headers, waiting], { endpoint, fixture, key, renew }) => {
      endpoint.answer(json(429, { error: 'invalid_grant' }, headers));

      expect(await renew()).toEqual({ kind: 'unavailable', cause: 'rate-limited', ...waiting });

      expect(endpoint.seen).toHaveLength(1);
      expect(await readRow(fixture.pool, key)).toEqual(UNTOUCHED);
    },
  );

  test.for([
    ['refuses connections', 'http://127.0.0.1:9/token', 'connect-refused'],
    ['has no address', 'http://no-such-host.invalid/token', 'dns-failed'],
  ] as const)(
    '%s: the intent is withdrawn',
    async ([_what, tokenEndpoint, cause], { fixture, key, renew }) => {
      await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint });

      expect(await renew()).toEqual({ kind: 'unavailable', cause });

      expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', grantSeq: 0 });
    },
  );
});

describe('without a request', () => {
  test('an expired client secret asks the user, by the clock of the database', async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    await fixture.deposit(key, {
      refreshToken: 'r2',
      tokenEndpoint: endpoint.url,
      clientId: 'me',
      clientSecret: 's',
      clientSecretExpiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    endpoint.answer(tokens());
    expect(await renew()).toMatchObject({ kind: 'renewed' });
    await patchRow(fixture.pool, key, `client_secret_expires_at = clock_timestamp()`);

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'client-secret-expired' });

    expect(endpoint.seen).toHaveLength(1);
    expect(await readRow(fixture.pool, key)).toMatchObject({ reason: 'client-secret-expired', grantSeq: 1 });
  });

  test('a grant that does not decrypt asks the user', async ({ endpoint, fixture, key, renew }) => {
    const other = await fixture.vault.seal('grant', { ...key, userId: 'another' }, { refreshToken: 'r1' });
    await patchRow(fixture.pool, key, `grant_jwe = '${other}'`);

    expect(await renew()).toEqual(needsUser('undecryptable'));

    expect(await readRow(fixture.pool, key)).toEqual(marked('undecryptable'));
    expect(endpoint.seen).toEqual([]);
  });

  test('a grant without a refresh token asks the user', async ({ endpoint, fixture, key, renew }) => {
    const grant = await fixture.vault.seal('grant', key, { tokenEndpoint: endpoint.url });
    await patchRow(fixture.pool, key, `grant_jwe = '${grant}'`);

    expect(await renew()).toEqual(needsUser('no-refresh-token'));

    expect(endpoint.seen).toEqual([]);
  });

  test('a key that is not configured is reported as key-missing, and the credential stays as it is', async ({
    endpoint,
    fixture,
    key,
  }) => {
    const otherKeys = createKeyRing([{ id: 'k2', bytes: new Uint8Array(32) }]);
    const { renewal } = fixture.anotherProcess({ vault: createVault(otherKeys), keyRing: otherKeys });

    const outcome = await renewal.renew(key, FIRST);

    expect(outcome).toEqual({ kind: 'key-missing', kid: 'k1' });
    expect(await readRow(fixture.pool, key)).toEqual(UNTOUCHED);
    expect(endpoint.seen).toEqual([]);
  });
});
