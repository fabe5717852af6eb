import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { patchRow, readRow, readVersions } from '../credential-row.ts';
import { type CredentialStand, createCredentialStand } from '../credential-stand.ts';
import {
  inTurn,
  json,
  oauthError,
  type ScriptedTokenEndpoint,
  type SeenTokenRequest,
  startScriptedTokenEndpoint,
  type TokenReply,
  tokens,
} from './scripted-token-endpoint.ts';

let stand: CredentialStand;
let endpoint: ScriptedTokenEndpoint;
let server: RegisteredServer;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createCredentialStand();
  server = await stand.register();
});

afterAll(() => stand.stop());

// A new origin for each test: metadata is kept for ten minutes.
beforeEach(async () => {
  endpoint = await startScriptedTokenEndpoint();
  key = stand.newKey(server);
  return () => endpoint.stop();
});

const renew = async () => stand.renewal.renew(key, await readVersions(stand.pool, key));
const deposit = (more: Partial<Deposit>) =>
  stand.deposit(key, { refreshToken: 'r1', accessToken: 'a1', tokenEndpoint: endpoint.url, ...more });
const requests = () => endpoint.seen.filter(({ path }) => path === '/token');
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

describe('an optional parameter that the endpoint does not take', () => {
  test.each<[string, Partial<Deposit>, Record<string, string>, string[][]]>([
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
  ])('is left out at once, and from then on: %s', async (_what, said, words, expected) => {
    await deposit(said);
    endpoint.answer(refusing(words));

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(requests().map(carried)).toEqual(expected);
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'connected', grantSeq: 1, storedSeq: 1 });

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(requests().map(carried)).toEqual([...expected, expected.at(-1)]);
  });

  test('is not dropped for others', async () => {
    await deposit(SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew();
    key = stand.newKey(server);
    await deposit({ ...SCOPES, refreshToken: 'r9' });
    await renew();

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope'], []]);
  });

  test('is asked for again after a deposit', async () => {
    await deposit(SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew();
    await deposit({ ...SCOPES, refreshToken: 'r2' });
    endpoint.answer(tokens());
    await renew();

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test.each([
    ['invalid_scope', SCOPES, 2],
    ['invalid_target', RESOURCE, 2],
    ['invalid_request', { ...SCOPES, ...RESOURCE }, 4],
    ['invalid_scope', RESOURCE, 1],
    ['invalid_request', {}, 1],
  ])('is not at fault where %s comes without it too (%#)', async (error, said, times) => {
    await deposit(said);
    endpoint.answer(oauthError(error));

    expect(await renew()).toEqual({ kind: 'misconfigured', message: expect.stringContaining(error) });

    expect(requests()).toHaveLength(times);
    expect(await readRow(stand.pool, key)).toMatchObject({
      status: 'connected',
      grantSeq: 0,
      isLeased: false,
    });
  });

  test('is not remembered where the request without it did not succeed', async () => {
    await deposit(SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('temporarily_unavailable'), tokens()));
    expect(await renew()).toMatchObject({ kind: 'unavailable' });
    await renew();

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test('leaves a verdict on the grant to be one', async () => {
    await deposit(SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('invalid_grant')));

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
  });
});

describe('how a client authenticates', () => {
  const CLIENT = { clientId: 'me', clientSecret: 's3cret' };
  const methodOf = ({ headers, body }: SeenTokenRequest) => {
    if (headers.authorization?.startsWith('Basic ')) return 'client_secret_basic';
    return body.has('client_secret') ? 'client_secret_post' : 'none';
  };
  const methods = () => requests().map(methodOf);
  const taking =
    (method: string, error = 'invalid_client'): TokenReply =>
    (response, request) =>
      (methodOf(request) === method ? tokens() : oauthError(error, 401))(response, request);
  const announce = (...supported: string[]) =>
    endpoint.answer(
      json(200, {
        issuer: endpoint.origin,
        token_endpoint: endpoint.url,
        token_endpoint_auth_methods_supported: supported,
      }),
      '/.well-known/oauth-authorization-server',
    );

  test.each(['invalid_client', 'unauthorized_client', 'invalid_request'])(
    'is found out after %s to an assumed method, and remembered',
    async (error) => {
      await deposit(CLIENT);
      endpoint.answer(taking('client_secret_post', error));

      expect(await renew()).toMatchObject({ kind: 'renewed' });
      expect(await renew()).toMatchObject({ kind: 'renewed' });

      const [basic, post] = ['client_secret_basic', 'client_secret_post'];
      expect(methods()).toEqual([basic, post, post]);
      expect(await readRow(stand.pool, key)).toMatchObject({ grantSeq: 2, storedSeq: 2 });
    },
  );

  test.each(['client_secret_basic', 'client_secret_post', 'none'] as const)(
    'is what the deposit says: %s, and no other is tried',
    async (tokenEndpointAuthMethod) => {
      await deposit({ ...CLIENT, tokenEndpointAuthMethod });
      endpoint.answer(oauthError('invalid_client', 401));

      expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });

      expect(methods()).toEqual([tokenEndpointAuthMethod]);
    },
  );

  test.each([
    [['client_secret_post'], 'client_secret_post'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['private_key_jwt', 'client_secret_post'], 'client_secret_post'],
    [['private_key_jwt'], 'client_secret_basic'],
    [['none'], 'none'],
  ])('is what the metadata of a known issuer says: %j', async (supported, method) => {
    announce(...supported);
    await deposit({ ...CLIENT, issuer: endpoint.origin });
    endpoint.answer(taking(method));

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(methods()).toEqual([method]);
  });

  test.each([
    ['that the MCP server names', 'client_secret_post', ['client_secret_post']],
    ['of another token endpoint', 'client_secret_post', ['client_secret_basic', 'client_secret_post']],
  ])('is what the metadata of an authorization server %s say', async (what, method, expected) => {
    const isOther = what === 'of another token endpoint';
    announce(method);
    endpoint.answer(
      json(200, { resource: `${endpoint.origin}/mcp`, authorization_servers: [endpoint.origin] }),
      '/.well-known/oauth-protected-resource/mcp',
    );
    key = stand.newKey(await stand.register({ url: `${endpoint.origin}/mcp` }));
    const tokenEndpoint = isOther ? `${endpoint.origin}/other` : endpoint.url;
    await deposit({ ...CLIENT, tokenEndpoint });
    endpoint.answer(taking(method), isOther ? '/other' : '/token');

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    const sent = endpoint.seen.filter(({ path }) => path === new URL(tokenEndpoint).pathname);
    expect(sent.map(methodOf)).toEqual(expected);
  });

  test('is looked up with the query of the registered address, which is part of the resource', async () => {
    announce('client_secret_post');
    const url = `${endpoint.origin}/mcp?key=k1`;
    endpoint.answer(
      json(200, { resource: url, authorization_servers: [endpoint.origin] }),
      '/.well-known/oauth-protected-resource/mcp?key=k1',
    );
    key = stand.newKey(await stand.register({ url }));
    await deposit({ ...CLIENT, tokenEndpoint: endpoint.url });
    endpoint.answer(taking('client_secret_post'));

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post']);
  });

  test('does not depend on metadata that can not be had, or speak of another endpoint', async () => {
    await deposit({ ...CLIENT, issuer: 'http://127.0.0.1:9' });
    endpoint.answer(taking('client_secret_basic'));

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_basic']);
  });

  test('is found out where the metadata is wrong', async () => {
    announce('client_secret_post');
    await deposit({ ...CLIENT, issuer: endpoint.origin });
    endpoint.answer(taking('client_secret_basic'));

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    await patchRow(stand.pool, key, 'access_token_jwe = NULL');
    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post', 'client_secret_basic', 'client_secret_basic']);
  });

  test('is none without a secret, and nothing else is tried', async () => {
    await deposit({ clientId: 'me' });
    endpoint.answer(oauthError('invalid_client', 401));

    expect(await renew()).toMatchObject({ reason: 'invalid-client' });
    expect(methods()).toEqual(['none']);
  });

  test('is asked of the user after both have been refused', async () => {
    await deposit(CLIENT);
    endpoint.answer(oauthError('invalid_client', 401));

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-client' });
    expect(methods()).toEqual(['client_secret_basic', 'client_secret_post']);
  });

  test("of the operator is what the registration says, before the deposit's word", async () => {
    announce('client_secret_basic');
    const auth = { type: 'oauth2', authorizationServer: endpoint.origin, ...CLIENT };
    const registered = {
      url: `${endpoint.origin}/mcp`,
      auth: { ...auth, tokenEndpointAuthMethod: 'client_secret_post' },
    };
    key = stand.newKey(await stand.register(registered));
    await deposit({ tokenEndpointAuthMethod: 'client_secret_basic' });
    endpoint.answer(tokens());

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_post']);
  });

  test('of the operator is found out and remembered too', async () => {
    announce('client_secret_basic');
    const auth = { type: 'oauth2', authorizationServer: endpoint.origin, ...CLIENT };
    key = stand.newKey(await stand.register({ url: `${endpoint.origin}/mcp`, auth }));
    await deposit({});
    endpoint.answer(taking('client_secret_post'));

    await renew();
    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(methods()).toEqual(['client_secret_basic', 'client_secret_post', 'client_secret_post']);
  });

  test('and an optional parameter are found out together', async () => {
    await deposit({ ...CLIENT, ...SCOPES });
    endpoint.answer((response, request) => {
      const reply = request.body.has('scope') ? oauthError('invalid_scope') : tokens();
      (methodOf(request) === 'client_secret_post' ? reply : oauthError('invalid_client', 401))(
        response,
        request,
      );
    });

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    await renew();
    expect(requests().map((one) => [methodOf(one), ...carried(one)])).toEqual([
      ['client_secret_basic', 'scope'],
      ['client_secret_post', 'scope'],
      ['client_secret_post'],
      ['client_secret_post'],
    ]);
  });

  test.each([
    ['resource', RESOURCE, 'resource', 'invalid_request'],
    ['scope', SCOPES, 'scope', 'invalid_request'],
    ['resource, in its own word', RESOURCE, 'resource', 'invalid_target'],
  ])('and %s are found out together where the client was refused first', async (_what, said, name, error) => {
    await deposit({ ...CLIENT, ...said });
    endpoint.answer((response, request) => {
      const reply = request.body.has(name) ? oauthError(error) : tokens();
      (methodOf(request) === 'client_secret_post' ? reply : oauthError('invalid_client', 401))(
        response,
        request,
      );
    });

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(requests().map((one) => [methodOf(one), ...carried(one)])).toEqual([
      ['client_secret_basic', name],
      ['client_secret_post', name],
      ['client_secret_post'],
    ]);
  });

  test.each(['client_secret_basic', 'client_secret_post'])(
    'is found out (%s) where the metadata announces none and there is a secret',
    async (method) => {
      announce('none');
      await deposit({ ...CLIENT, issuer: endpoint.origin });
      endpoint.answer(taking(method));

      expect(await renew()).toMatchObject({ kind: 'renewed' });
      const all = ['none', 'client_secret_basic', 'client_secret_post'];
      expect(methods()).toEqual(all.slice(0, all.indexOf(method) + 1));
    },
  );
});
