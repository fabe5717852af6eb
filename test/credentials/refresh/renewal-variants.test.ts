import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import { patchRow, readRow, readVersions } from '../credential-row.ts';
import { endpointTest } from '../fixtures.ts';
import {
  inTurn,
  json,
  oauthError,
  type SeenTokenRequest,
  type TokenReply,
  tokens,
} from './scripted-token-endpoint.ts';

const test = endpointTest
  .extend(
    'renew',
    ({ fixture }) =>
      async (key: CredentialKey) =>
        fixture.renewal.renew(key, await readVersions(fixture.pool, key)),
  )
  .extend(
    'deposit',
    ({ fixture, endpoint }) =>
      (key: CredentialKey, more: Partial<Deposit>) =>
        fixture.deposit(key, { refreshToken: 'r1', accessToken: 'a1', tokenEndpoint: endpoint.url, ...more }),
  )
  .extend(
    'requests',
    ({ endpoint }) =>
      () =>
        endpoint.seen.filter(({ path }) => path === '/token'),
  )
  .extend(
    'methods',
    ({ requests }) =>
      () =>
        requests().map(methodOf),
  )
  .extend(
    'announce',
    ({ endpoint }) =>
      (...supported: string[]) =>
        endpoint.answer(
          json(200, {
            issuer: endpoint.origin,
            token_endpoint: endpoint.url,
            token_endpoint_auth_methods_supported: supported,
          }),
          '/.well-known/oauth-authorization-server',
        ),
  );

const methodOf = ({ headers, body }: SeenTokenRequest) => {
  if (headers.authorization?.startsWith('Basic ')) return 'client_secret_basic';
  return body.has('client_secret') ? 'client_secret_post' : 'none';
};
const carried = ({ body }: SeenTokenRequest) => ['scope', 'resource'].filter((name) => body.has(name));
const SCOPES = { scopes: 'notes.read notes.write' };
const RESOURCE = { resource: 'https://mcp.example/mcp' };

/** An endpoint that refuses requests with these parameters in these words. */
const refusing =
  (words: Record<string, string>): TokenReply =>
  (response, request) => {
    const parameter = Object.keys(words).find((name) => request.body.has(name));
    const reply = parameter === undefined ? tokens() : oauthError(words[parameter] ?? '');
    reply(response, request);
  };

describe('an optional parameter that the endpoint refuses', () => {
  test.for<[string, Partial<Deposit>, Record<string, string>, string[][]]>([
    ['scope, invalid_scope', SCOPES, { scope: 'invalid_scope' }, [['scope'], []]],
    ['scope, invalid_request', SCOPES, { scope: 'invalid_request' }, [['scope'], []]],
    ['resource, invalid_target', RESOURCE, { resource: 'invalid_target' }, [['resource'], []]],
    ['resource, invalid_request', RESOURCE, { resource: 'invalid_request' }, [['resource'], []]],
    [
      'both carried, scope refused',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_request' },
      [['scope', 'resource'], ['resource']],
    ],
    [
      'both carried, resource refused',
      { ...SCOPES, ...RESOURCE },
      { resource: 'invalid_request' },
      [['scope', 'resource'], ['resource'], ['scope']],
    ],
    [
      'both refused in one word',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_request', resource: 'invalid_request' },
      [['scope', 'resource'], ['resource'], ['scope'], []],
    ],
    [
      'both refused in their own words',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_scope', resource: 'invalid_target' },
      [['scope', 'resource'], ['resource'], []],
    ],
  ])(
    'is left out at once and in later refreshes: %s',
    async ([_what, said, words, expected], { deposit, endpoint, fixture, key, renew, requests }) => {
      await deposit(key, said);
      endpoint.answer(refusing(words));

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(requests().map(carried)).toEqual(expected);
      expect(await readRow(fixture.pool, key)).toMatchObject({
        status: 'connected',
        grantSeq: 1,
        storedSeq: 1,
      });

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(requests().map(carried)).toEqual([...expected, expected.at(-1)]);
    },
  );

  test('is still sent for other users', async ({
    deposit,
    endpoint,
    fixture,
    key,
    renew,
    requests,
    server,
  }) => {
    await deposit(key, SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew(key);
    const other = fixture.newKey(server);
    await deposit(other, { ...SCOPES, refreshToken: 'r9' });
    await renew(other);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope'], []]);
  });

  test('is sent again after a deposit', async ({ deposit, endpoint, key, renew, requests }) => {
    await deposit(key, SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew(key);
    await deposit(key, { ...SCOPES, refreshToken: 'r2' });
    endpoint.answer(tokens());
    await renew(key);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test.for([
    ['invalid_scope', SCOPES, 2],
    ['invalid_target', RESOURCE, 2],
    ['invalid_request', { ...SCOPES, ...RESOURCE }, 4],
    ['invalid_scope', RESOURCE, 1],
    ['invalid_request', {}, 1],
  ] as const)(
    'is not blamed when %s comes without it too (%#)',
    async ([error, said, times], { deposit, endpoint, fixture, key, renew, requests }) => {
      await deposit(key, said);
      endpoint.answer(oauthError(error));

      expect(await renew(key)).toEqual({ kind: 'misconfigured', message: expect.stringContaining(error) });

      expect(requests()).toHaveLength(times);
      expect(await readRow(fixture.pool, key)).toMatchObject({
        status: 'connected',
        grantSeq: 0,
        isLeased: false,
      });
    },
  );

  test('is sent again when the request without it did not succeed', async ({
    deposit,
    endpoint,
    key,
    renew,
    requests,
  }) => {
    await deposit(key, SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('temporarily_unavailable'), tokens()));
    expect(await renew(key)).toMatchObject({ kind: 'unavailable' });
    await renew(key);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test('does not hide a verdict on the grant', async ({ deposit, endpoint, key, renew }) => {
    await deposit(key, SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('invalid_grant')));

    expect(await renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
  });
});

describe('how a client authenticates', () => {
  const CLIENT = { clientId: 'me', clientSecret: 's3cret' };

  const taking =
    (method: string, error = 'invalid_client'): TokenReply =>
    (response, request) =>
      (methodOf(request) === method ? tokens() : oauthError(error, 401))(response, request);

  test.for(['invalid_client', 'unauthorized_client', 'invalid_request'])(
    'is found out after %s to an assumed method, and remembered',
    async (error, { deposit, endpoint, fixture, key, methods, renew }) => {
      await deposit(key, CLIENT);
      endpoint.answer(taking('client_secret_post', error));

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(await renew(key)).toMatchObject({ kind: 'renewed' });

      const [basic, post] = ['client_secret_basic', 'client_secret_post'];
      expect(methods()).toEqual([basic, post, post]);
      expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 2, storedSeq: 2 });
    },
  );

  test.for(['client_secret_basic', 'client_secret_post', 'none'] as const)(
    'is what the deposit says: %s, and no other is tried',
    async (tokenEndpointAuthMethod, { deposit, endpoint, key, methods, renew }) => {
      await deposit(key, { ...CLIENT, tokenEndpointAuthMethod });
      endpoint.answer(oauthError('invalid_client', 401));

      expect(await renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });

      expect(methods()).toEqual([tokenEndpointAuthMethod]);
    },
  );

  test.for([
    [['client_secret_post'], 'client_secret_post'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['private_key_jwt', 'client_secret_post'], 'client_secret_post'],
    [['private_key_jwt'], 'client_secret_basic'],
    [['none'], 'none'],
  ] as const)(
    'is what the metadata of a known issuer says: %j',
    async ([supported, method], { announce, deposit, endpoint, key, methods, renew }) => {
      announce(...supported);
      await deposit(key, { ...CLIENT, issuer: endpoint.origin });
      endpoint.answer(taking(method));

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });

      expect(methods()).toEqual([method]);
    },
  );

  test.for([
    ['that the MCP server names', 'client_secret_post', ['client_secret_post']],
    ['of another token endpoint', 'client_secret_post', ['client_secret_basic', 'client_secret_post']],
  ] as const)(
    'is what the metadata of an authorization server %s say',
    async ([what, method, expected], { announce, deposit, endpoint, fixture, renew }) => {
      const isOther = what === 'of another token endpoint';
      announce(method);
      endpoint.answer(
        json(200, { resource: `${endpoint.origin}/mcp`, authorization_servers: [endpoint.origin] }),
        '/.well-known/oauth-protected-resource/mcp',
      );
      const key = fixture.newKey(await fixture.register({ url: `${endpoint.origin}/mcp` }));
      const tokenEndpoint = isOther ? `${endpoint.origin}/other` : endpoint.url;
      await deposit(key, { ...CLIENT, tokenEndpoint });
      endpoint.answer(taking(method), isOther ? '/other' : '/token');

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      const sent = endpoint.seen.filter(({ path }) => path === new URL(tokenEndpoint).pathname);
      expect(sent.map(methodOf)).toEqual(expected);
    },
  );

  test('does not depend on metadata that is unavailable or names another endpoint', async ({
    deposit,
    endpoint,
    key,
    methods,
    renew,
  }) => {
    await deposit(key, { ...CLIENT, issuer: 'http://127.0.0.1:9' });
    endpoint.answer(taking('client_secret_basic'));

    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_basic']);
  });

  test('is found out when the metadata is wrong', async ({
    announce,
    deposit,
    endpoint,
    fixture,
    key,
    methods,
    renew,
  }) => {
    announce('client_secret_post');
    await deposit(key, { ...CLIENT, issuer: endpoint.origin });
    endpoint.answer(taking('client_secret_basic'));

    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    await patchRow(fixture.pool, key, 'access_token_jwe = NULL');
    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post', 'client_secret_basic', 'client_secret_basic']);
  });

  test('is none without a secret, and nothing else is tried', async ({
    deposit,
    endpoint,
    key,
    methods,
    renew,
  }) => {
    await deposit(key, { clientId: 'me' });
    endpoint.answer(oauthError('invalid_client', 401));

    expect(await renew(key)).toMatchObject({ reason: 'invalid-client' });
    expect(methods()).toEqual(['none']);
  });

  test('is reported as invalid-client after both have been refused', async ({
    deposit,
    endpoint,
    key,
    methods,
    renew,
  }) => {
    await deposit(key, CLIENT);
    endpoint.answer(oauthError('invalid_client', 401));

    expect(await renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });
    expect(methods()).toEqual(['client_secret_basic', 'client_secret_post']);
  });

  test('of the operator is what the registration says, whatever the deposit says', async ({
    announce,
    deposit,
    endpoint,
    fixture,
    methods,
    renew,
  }) => {
    announce('client_secret_basic');
    const auth = { type: 'oauth2', authorizationServer: endpoint.origin, ...CLIENT };
    const registered = {
      url: `${endpoint.origin}/mcp`,
      auth: { ...auth, tokenEndpointAuthMethod: 'client_secret_post' },
    };
    const key = fixture.newKey(await fixture.register(registered));
    await deposit(key, { tokenEndpointAuthMethod: 'client_secret_basic' });
    endpoint.answer(tokens());

    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post']);
  });

  test('of the operator is found out and remembered too', async ({
    announce,
    deposit,
    endpoint,
    fixture,
    methods,
    renew,
  }) => {
    announce('client_secret_basic');
    const auth = { type: 'oauth2', authorizationServer: endpoint.origin, ...CLIENT };
    const key = fixture.newKey(await fixture.register({ url: `${endpoint.origin}/mcp`, auth }));
    await deposit(key, {});
    endpoint.answer(taking('client_secret_post'));

    await renew(key);
    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_basic', 'client_secret_post', 'client_secret_post']);
  });

  test('and an optional parameter are found out together', async ({
    deposit,
    endpoint,
    key,
    renew,
    requests,
  }) => {
    await deposit(key, { ...CLIENT, ...SCOPES });
    endpoint.answer((response, request) => {
      const reply = request.body.has('scope') ? oauthError('invalid_scope') : tokens();
      (methodOf(request) === 'client_secret_post' ? reply : oauthError('invalid_client', 401))(
        response,
        request,
      );
    });

    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    await renew(key);
    expect(requests().map((one) => [methodOf(one), ...carried(one)])).toEqual([
      ['client_secret_basic', 'scope'],
      ['client_secret_post', 'scope'],
      ['client_secret_post'],
      ['client_secret_post'],
    ]);
  });

  test.for([
    ['resource', RESOURCE, 'resource', 'invalid_request'],
    ['scope', SCOPES, 'scope', 'invalid_request'],
    ['resource, in its own word', RESOURCE, 'resource', 'invalid_target'],
  ] as const)(
    'and %s are found out together where the client was refused first',
    async ([_what, said, name, error], { deposit, endpoint, key, renew, requests }) => {
      await deposit(key, { ...CLIENT, ...said });
      endpoint.answer((response, request) => {
        const reply = request.body.has(name) ? oauthError(error) : tokens();
        (methodOf(request) === 'client_secret_post' ? reply : oauthError('invalid_client', 401))(
          response,
          request,
        );
      });

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(requests().map((one) => [methodOf(one), ...carried(one)])).toEqual([
        ['client_secret_basic', name],
        ['client_secret_post', name],
        ['client_secret_post'],
      ]);
    },
  );

  test.for(['client_secret_basic', 'client_secret_post'])(
    'is found out (%s) where the metadata announces none and there is a secret',
    async (method, { announce, deposit, endpoint, key, methods, renew }) => {
      announce('none');
      await deposit(key, { ...CLIENT, issuer: endpoint.origin });
      endpoint.answer(taking(method));

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      const all = ['none', 'client_secret_basic', 'client_secret_post'];
      expect(methods()).toEqual(all.slice(0, all.indexOf(method) + 1));
    },
  );
});
