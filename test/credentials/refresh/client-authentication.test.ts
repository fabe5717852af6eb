import { describe, expect } from 'vitest';
import { patchRow, readRow } from '../credential-row.ts';
import { variantTest } from '../fixtures.ts';
import {
  json,
  oauthError,
  type SeenTokenRequest,
  type TokenReply,
  tokens,
} from './scripted-token-endpoint.ts';

const test = variantTest
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

describe('how a client authenticates', () => {
  const CLIENT = { clientId: 'me', clientSecret: 's3cret' };

  const taking =
    (method: string, error = 'invalid_client'): TokenReply =>
    (response, request) =>
      (methodOf(request) === method ? tokens() : oauthError(error, 401))(response, request);
  /** Accepts only `client_secret_post`, and refuses requests with this parameter. */
  const takingPostWithout =
    (parameter: string, error: string): TokenReply =>
    (response, request) => {
      const reply = request.body.has(parameter) ? oauthError(error) : tokens();
      const isPost = methodOf(request) === 'client_secret_post';
      (isPost ? reply : oauthError('invalid_client', 401))(response, request);
    };

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

  test('is looked up with the query of the registered address, which is part of the resource', async ({
    announce,
    deposit,
    endpoint,
    fixture,
    methods,
    renew,
  }) => {
    announce('client_secret_post');
    const url = `${endpoint.origin}/mcp?key=k1`;
    endpoint.answer(
      json(200, { resource: url, authorization_servers: [endpoint.origin] }),
      '/.well-known/oauth-protected-resource/mcp?key=k1',
    );
    const key = fixture.newKey(await fixture.register({ url }));
    await deposit(key, { ...CLIENT, tokenEndpoint: endpoint.url });
    endpoint.answer(taking('client_secret_post'));

    expect(await renew(key)).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post']);
  });

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
    endpoint.answer(takingPostWithout('scope', 'invalid_scope'));

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
      endpoint.answer(takingPostWithout(name, error));

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
