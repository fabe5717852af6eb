import { describe, expect } from 'vitest';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { readRow, readVersions } from '../credential-row.ts';
import { renewalTest } from '../fixtures.ts';
import { cut, inTurn, json, oauthError, raw, tokens } from './scripted-token-endpoint.ts';

const test = renewalTest.extend(
  'renew',
  ({ fixture, key }) =>
    async (renewal = fixture.renewal) =>
      renewal.renew(key, await readVersions(fixture.pool, key)),
);

const asksAgain = { kind: 'unavailable', cause: 'refused', isRefused: true };

describe('known error codes and messages', () => {
  test.for([
    ['invalid-grant', json(200, { ok: false, error: 'invalid_refresh_token' })],
    ['invalid-grant', json(400, { status: 'BAD_REFRESH_TOKEN' })],
    ['invalid-grant', json(400, { error: 'Bad Request', message: 'Invalid refresh token' })],
    ['invalid-grant', json(401, { error: { code: 'token_expired' } })],
    ['refresh-refused', oauthError('interaction_required')],
    ['refresh-refused', oauthError('login_required', 200)],
    ['refresh-refused', oauthError('CONSENT_REQUIRED', 403)],
  ] as const)('ask the user at once: %s (%#)', async ([reason, reply], { endpoint, fixture, key, renew }) => {
    endpoint.answer(reply);

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason });

    expect(endpoint.seen).toHaveLength(1);
    expect(await readRow(fixture.pool, key)).toMatchObject({
      status: 'reauth-required',
      reason,
      grantSeq: 0,
    });
  });

  test('lead to refresh-outcome-lost when an earlier outcome was lost', async ({ endpoint, renew }) => {
    endpoint.answer(inTurn(cut(), json(400, { status: 'BAD_REFRESH_TOKEN' })));

    expect(await renew()).toMatchObject({ reason: 'refresh-outcome-lost' });
  });
});

describe('an unknown refusal', () => {
  test.for([
    ['a word of its own', oauthError('ein_fehler')],
    ['access_denied', oauthError('access_denied')],
    ['a 403 without a word', json(403, {})],
    ['a 401 with a sentence', json(401, { message: 'Go away, please.' })],
    ['a 404 in JSON', json(404, { error: 'Not Found' })],
    ['a JSON string', json(400, 'no')],
    ['an array', json(400, [{ message: 'no' }])],
    ['ok: false in a 200', json(200, { ok: false })],
    ['success: false in a 200', json(200, { success: false })],
  ] as const)(
    'is retried twice in about a minute before the user is asked: %s',
    async ([_what, reply], { endpoint, fixture, key, renew }) => {
      endpoint.answer(reply);
      let waitedMs = 0;
      for (const requests of [1, 2]) {
        const outcome = await renew();
        expect(outcome).toMatchObject(asksAgain);
        expect(endpoint.seen).toHaveLength(requests);
        const waitMs = outcome.kind === 'unavailable' ? (outcome.retryAfterMs ?? 0) : 0;
        waitedMs += waitMs;
        // A renewal in the meantime sends nothing, in any process.
        expect(await renew()).toMatchObject(asksAgain);
        expect(await renew(fixture.anotherProcess().renewal)).toMatchObject(asksAgain);
        expect(endpoint.seen).toHaveLength(requests);
        await fixture.databaseClock.advance(waitMs / 1000);
      }

      expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'refresh-refused' });

      expect(endpoint.seen).toHaveLength(3);
      expect(waitedMs).toBeGreaterThanOrEqual(40_000);
      expect(waitedMs).toBeLessThanOrEqual(70_000);
      const marked = { status: 'reauth-required', reason: 'refresh-refused', grantSeq: 0, isLeased: false };
      expect(await readRow(fixture.pool, key)).toMatchObject(marked);
    },
  );

  test('is forgotten when tokens come', async ({ endpoint, fixture, renew }) => {
    endpoint.answer(
      inTurn(oauthError('x'), oauthError('x'), tokens(), oauthError('x'), oauthError('x'), oauthError('x')),
    );
    for (const kind of [
      'unavailable',
      'unavailable',
      'renewed',
      'unavailable',
      'unavailable',
      'reauth-required',
    ]) {
      expect(await renew()).toMatchObject({ kind });
      await fixture.databaseClock.advance(60);
    }
    expect(endpoint.seen).toHaveLength(6);
  });

  test('is forgotten with a deposit', async ({ endpoint, fixture, key, renew }) => {
    endpoint.answer(oauthError('x'));
    await renew();
    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url });

    expect(await renew()).toMatchObject(asksAgain);
    expect(endpoint.seen).toHaveLength(2);
    await fixture.databaseClock.advance(60);
    expect(await renew()).toMatchObject(asksAgain);
  });

  test('is not counted against a credential that was disconnected meanwhile', async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    endpoint.answer((...exchange) => {
      void disconnectCredential(fixture.pool, key).then(() => oauthError('x')(...exchange));
    });

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'not-connected' });
  });

  test('is counted apart from an outage in between', async ({ endpoint, fixture, key, renew }) => {
    endpoint.answer(inTurn(oauthError('x'), raw(503, '', { 'retry-after': '1' }), oauthError('x')));
    await renew();
    await fixture.databaseClock.advance(60);
    expect(await renew()).toEqual({ kind: 'unavailable', cause: 'http-503', retryAfterMs: 1_000 });
    expect(await renew()).toMatchObject(asksAgain);
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
  });

  test('is retried after its retry-after', async ({ endpoint, renew }) => {
    endpoint.answer(json(403, { message: 'quota' }, { 'retry-after': '90' }));

    expect(await renew()).toMatchObject({ ...asksAgain, retryAfterMs: 90_000 });
  });

  test("leaves the server's short code in the log, and nothing that was sent", async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    const causes: unknown[] = [];
    const write = (line: string) => void causes.push(JSON.parse(line).cause);
    const { renewal } = fixture.anotherProcess({
      logger: createLogger({ level: 'warn', destination: { write } }),
    });
    await fixture.deposit(key, { refreshToken: 'a-refresh-token', tokenEndpoint: endpoint.url });
    endpoint.answer(inTurn(json(400, { status: 'SOME-CODE.7' }), json(400, { error: 'a-refresh-token' })));
    await renew(renewal);
    await fixture.databaseClock.advance(60);
    await renew(renewal);

    expect(causes.filter(Boolean)).toEqual(['SOME-CODE.7', 'oauth-error']);
  });
});
