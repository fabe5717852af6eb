import { describe, expect } from 'vitest';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import { patchRow, readRenewAfter, readRow, readTokens, readVersions } from '../credential-row.ts';
import { renewalTest } from '../fixtures.ts';
import { json, raw, tokens } from './scripted-token-endpoint.ts';

const test = renewalTest.extend(
  'renew',
  ({ fixture, key }) =>
    async (): Promise<RenewalOutcome> =>
      fixture.renewal.renew(key, await readVersions(fixture.pool, key)),
);

const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };
const STORED = { status: 'connected', reason: null, grantSeq: 1, storedSeq: 1, isLeased: false };

describe('a refresh request', () => {
  test('carries what the deposit said and nothing else', async ({ endpoint, renew }) => {
    endpoint.answer(tokens());

    await renew();

    expect(endpoint.seen).toHaveLength(1);
    const { headers, body } = endpoint.seen[0] ?? {};
    expect(Object.fromEntries(body ?? [])).toEqual({ grant_type: 'refresh_token', refresh_token: 'r1' });
    expect(headers).not.toHaveProperty('authorization');
  });

  test('repeats scopes and resource byte for byte', async ({ endpoint, fixture, key, renew }) => {
    const resource = 'https://MCP.example:443/a%2Fb?x=1';
    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url, scopes: 'b a', resource });
    endpoint.answer(tokens());

    await renew();

    expect(Object.fromEntries(endpoint.seen[0]?.body ?? [])).toMatchObject({ scope: 'b a', resource });
  });

  test.for([
    ['client_secret_basic', { authorization: `Basic ${btoa('me%3A1:s%2B%2F')}` }, {}],
    ['client_secret_post', {}, { client_id: 'me:1', client_secret: 's+/' }],
    ['none', {}, { client_id: 'me:1' }],
    [undefined, { authorization: `Basic ${btoa('me%3A1:s%2B%2F')}` }, {}],
  ] as const)(
    'authenticates the client by %s',
    async ([tokenEndpointAuthMethod, headers, body], { endpoint, fixture, key, renew }) => {
      await fixture.deposit(key, {
        refreshToken: 'r2',
        tokenEndpoint: endpoint.url,
        clientId: 'me:1',
        clientSecret: 's+/',
        ...(tokenEndpointAuthMethod && { tokenEndpointAuthMethod }),
      });
      endpoint.answer(tokens());

      await renew();

      expect(endpoint.seen[0]?.headers).toMatchObject(headers);
      const sent = { grant_type: 'refresh_token', refresh_token: 'r2', ...body };
      expect(Object.fromEntries(endpoint.seen[0]?.body ?? [])).toEqual(sent);
    },
  );
});

describe('what is stored', () => {
  test('is the new refresh token, and the next refresh sends it', async ({
    endpoint,
    fixture,
    key,
    renew,
  }) => {
    endpoint.answer(tokens({ refresh_token: 'r2' }));

    expect(await renew()).toEqual(RENEWED);

    expect(await readRow(fixture.pool, key)).toMatchObject(STORED);
    expect(await readTokens(fixture, key)).toMatchObject({
      grant: { refreshToken: 'r2' },
      accessToken: 'a2',
    });
    await renew();
    expect(endpoint.seen.map(({ body }) => body.get('refresh_token'))).toEqual(['r1', 'r2']);
  });

  test.for([undefined, null, '', 42])(
    'is the old refresh token when the answer says %o',
    async (refresh_token, { endpoint, fixture, key, renew }) => {
      endpoint.answer(tokens({ refresh_token }));

      expect(await renew()).toEqual(RENEWED);

      expect(await readTokens(fixture, key)).toMatchObject({
        grant: { refreshToken: 'r1' },
        accessToken: 'a2',
      });
      // It does not count as spent: the user may deposit it again with other fields.
      await patchRow(fixture.pool, key, "status = 'reauth-required', reason = 'invalid-client'");
      expect(await fixture.deposit(key, { refreshToken: 'r1' })).toMatchObject({ version: 2 });
    },
  );

  test.for([
    ['no token_type', { token_type: undefined }],
    ['a token_type in another case', { token_type: 'bEARER' }],
    ['another token_type', { token_type: 'MAC' }],
    ['a token_type that is no text', { token_type: 42 }],
    ['an id_token that is none', { id_token: 'nonsense' }],
    ['an error beside the tokens', { error: 'invalid_grant' }],
  ] as const)('is complete in spite of %s', async ([_what, changes], { endpoint, fixture, key, renew }) => {
    endpoint.answer(tokens({ refresh_token: 'r2', ...changes }));

    expect(await renew()).toEqual(RENEWED);

    expect(await readTokens(fixture, key)).toMatchObject({
      grant: { refreshToken: 'r2' },
      accessToken: 'a2',
    });
    expect(endpoint.seen).toHaveLength(1);
  });

  test.for([
    ['another media type', raw(200, '{"access_token":"a2"}', { 'content-type': 'text/html' })],
    ['status 201', json(201, { access_token: 'a2' })],
    ['a byte order mark', raw(200, '\ufeff{"access_token":"a2"}')],
  ] as const)('is complete in spite of %s of the answer', async ([_what, reply], { endpoint, renew }) => {
    endpoint.answer(reply);

    expect(await renew()).toEqual(RENEWED);
  });

  test.for([
    ['a b', 'a b'],
    [null, 'before'],
    ['', 'before'],
    [['a'], 'before'],
    ['a\u0000b', 'before'],
    ['a\nb', 'before'],
  ] as const)('scope %j leaves %j', async ([scope, kept], { endpoint, fixture, key, renew }) => {
    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url, scopes: 'before' });
    endpoint.answer(tokens({ scope }));

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    const { rows } = await fixture.pool.query('SELECT scopes FROM mcp_credential WHERE user_id = $1', [
      key.userId,
    ]);
    expect(rows).toEqual([{ scopes: kept }]);
  });

  test.for([
    [3600, 3540],
    ['3600', 3540],
    [' 3600 ', 3540],
    [30, 23],
    [0, 0],
    [-5, 0],
    [1e300, 315_360_000 - 60],
    [undefined, null],
    [null, null],
    ['', null],
    ['soon', null],
    [true, null],
    [{}, null],
  ] as const)(
    'expires_in %j: renewed after %j seconds',
    async ([expires_in, seconds], { endpoint, fixture, key, renew }) => {
      endpoint.answer(tokens({ expires_in }));

      expect(await renew()).toEqual(RENEWED);

      const left = await readRenewAfter(fixture.pool, key);
      if (seconds === null) expect(left).toBeNull();
      else expect(Math.abs((left ?? Number.NaN) - seconds)).toBeLessThan(5);
    },
  );

  test('includes a refresh token that came alone, which the next refresh sends', async ({
    endpoint,
    fixture,
    key,
  }) => {
    endpoint.answer(json(200, { refresh_token: 'r2' }));

    const seen = await readVersions(fixture.pool, key);
    const before = { kind: 'unavailable', cause: 'no-access-token' };
    expect(await fixture.renewal.renew(key, seen)).toEqual(before);

    expect(await readRow(fixture.pool, key)).toMatchObject({ ...STORED, tokenVersion: 2 });
    endpoint.answer(tokens({ refresh_token: 'r3' }));
    const versions = { credentialVersion: 1, tokenVersion: 3 };
    expect(await fixture.renewal.renew(key, seen)).toEqual({ kind: 'renewed', versions });
    expect(endpoint.seen.map(({ body }) => body.get('refresh_token'))).toEqual(['r1', 'r2']);
  });
});

describe('nothing is sent', () => {
  test('when a newer token is stored than the one that was seen', async ({ endpoint, fixture, key }) => {
    endpoint.answer(tokens());
    const seen = await readVersions(fixture.pool, key);
    await fixture.renewal.renew(key, seen);

    expect(await fixture.renewal.renew(key, seen)).toEqual(RENEWED);

    expect(endpoint.seen).toHaveLength(1);
  });

  test('for a user who never connected or has disconnected', async ({ endpoint, fixture, server }) => {
    const seen = { credentialVersion: 0, tokenVersion: 0 };
    const outcome = { kind: 'reauth-required', seen, reason: 'not-connected' };
    expect(await fixture.renewal.renew(fixture.newKey(server), seen)).toEqual(outcome);
    expect(endpoint.seen).toEqual([]);
  });

  test('for a server that is not registered, or takes no OAuth credentials', async ({
    endpoint,
    fixture,
    key,
  }) => {
    const seen = await readVersions(fixture.pool, key);
    const unknown = { ...key, mcpServerId: 'unknown' };
    expect(await fixture.renewal.renew(unknown, seen)).toMatchObject({ kind: 'misconfigured' });
    const { id } = await fixture.register({ auth: { type: 'none' } });
    const open = { ...key, mcpServerId: id };
    expect(await fixture.renewal.renew(open, seen)).toMatchObject({ kind: 'misconfigured' });
    expect(endpoint.seen).toEqual([]);
  });
});

test('a deposit without an access token is renewed at once by a caller that saw an older one', async ({
  endpoint,
  fixture,
  key,
}) => {
  const seen = await readVersions(fixture.pool, key);
  await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: endpoint.url });
  endpoint.answer(tokens());

  const versions = { credentialVersion: 2, tokenVersion: 3 };
  expect(await fixture.renewal.renew(key, seen)).toEqual({ kind: 'renewed', versions });

  expect(endpoint.seen.map(({ body }) => body.get('refresh_token'))).toEqual(['r2']);
});
