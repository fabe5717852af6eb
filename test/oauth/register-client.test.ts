import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startAuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { clientMetadata } from '../../src/oauth/client-metadata.ts';
import { registerClient } from '../../src/oauth/register-client.ts';
import {
  cut,
  json,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../credentials/refresh/scripted-token-endpoint.ts';

let server: ScriptedTokenEndpoint;

beforeEach(async () => {
  server = await startScriptedTokenEndpoint();
  return () => server.stop();
});

const LOOPBACK = 'http://127.0.0.1:3000/oauth/callback';
const HTTPS = 'https://latchkey.example/oauth/callback';

function register(registrationEndpoint = `${server.origin}/register`, redirectUri = LOOPBACK) {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  const metadata = clientMetadata({ clientName: 'Latchkey', redirectUris: [redirectUri] });
  return registerClient(network.fetch, { registrationEndpoint, addressFrom: 'user', metadata });
}

test.each([
  ['of this machine', LOOPBACK],
  ['of a host', HTTPS],
])('registers a client with a redirect URI %s at a real authorization server', async (_what, redirectUri) => {
  const real = await startAuthorizationServer();
  onTestFinished(() => real.stop());

  expect(await register(real.registrationEndpoint, redirectUri)).toEqual({
    kind: 'registered',
    clientId: expect.stringMatching(/./),
    clientSecret: expect.stringMatching(/./),
    tokenEndpointAuthMethod: 'client_secret_basic',
  });
});

describe('the metadata of the client', () => {
  const of = (changes: object = {}) =>
    clientMetadata({ clientName: 'Latchkey', redirectUris: [HTTPS], ...changes });

  test('ask for the code grant with refresh tokens', () => {
    expect(of()).toEqual({
      client_name: 'Latchkey',
      redirect_uris: [HTTPS],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      application_type: 'web',
    });
  });

  test.each([LOOPBACK, 'http://localhost:1/callback', 'http://[::1]/callback'])(
    'are of a native application with %s',
    (redirectUri) => {
      expect(of({ redirectUris: [redirectUri] }).application_type).toBe('native');
    },
  );

  test.each([
    [['none'], 'none'],
    [['none', 'client_secret_post'], 'client_secret_post'],
    [['private_key_jwt', 'client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['private_key_jwt'], 'client_secret_basic'],
  ])('choose of the methods %j', (authMethods, method) => {
    expect(of({ authMethods }).token_endpoint_auth_method).toBe(method);
  });
});

describe('an answer', () => {
  const answer = (body: unknown, status = 201) => server.answer(json(status, body), '/register');

  test('has a secret that never expires, where it says 0', async () => {
    answer({ client_id: 'c1', client_secret: 's1', client_secret_expires_at: 0 });

    expect(await register()).toEqual({ kind: 'registered', clientId: 'c1', clientSecret: 's1' });
  });

  test('has a secret that expires', async () => {
    answer({ client_id: 'c1', client_secret: 's1', client_secret_expires_at: 1_900_000_000 });

    expect(await register()).toMatchObject({ clientSecretExpiresAt: new Date(1_900_000_000_000) });
  });

  test.each([undefined, null, 'never', -1, 1e300])('may say %s of the end of its secret', async (expires) => {
    answer({ client_id: 'c1', client_secret: 's1', client_secret_expires_at: expires });

    expect(await register()).toEqual({ kind: 'registered', clientId: 'c1', clientSecret: 's1' });
  });

  test('may have status 200, and a method that replaces the one asked for', async () => {
    answer({ client_id: 'c1', token_endpoint_auth_method: 'none' }, 200);

    expect(await register()).toEqual({
      kind: 'registered',
      clientId: 'c1',
      tokenEndpointAuthMethod: 'none',
    });
  });

  test('with a method that needs a key can not be used', async () => {
    answer({ client_id: 'c1', token_endpoint_auth_method: 'private_key_jwt' });

    expect(await register()).toEqual({ kind: 'failed', cause: 'unsupported-auth-method' });
  });

  test('that refuses is returned in the words of the server', async () => {
    server.answer(oauthError('invalid_redirect_uri'), '/register');

    expect(await register()).toMatchObject({ kind: 'refused', status: 400, codes: ['invalid_redirect_uri'] });
  });

  test.each([
    ['a 403 page', raw(403, '<html>'), 'http-403'],
    ['a 503', raw(503, ''), 'http-503'],
    ['no client', json(201, {}), 'http-201'],
    ['a client that is no text', json(201, { client_id: 42 }), 'http-201'],
    ['a cut connection', cut(), 'reset'],
  ])('that is %s fails', async (_what, reply, cause) => {
    server.answer(reply, '/register');

    expect(await register()).toEqual({ kind: 'failed', cause });
  });
});
