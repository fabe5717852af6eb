import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../src/dev/embedded/authorization-server.ts';
import { followAuthorization } from '../../src/dev/embedded/authorize-headlessly.ts';
import { type DemoMcpServer, startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { probeAuthorization } from '../../src/mcp/http/probe-authorization.ts';
import { type ClosableGuardedFetch, createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { accountSubject } from '../../src/oauth/account-subject.ts';
import { buildAuthorizationUrl } from '../../src/oauth/authorization-request.ts';
import { readAuthorizationResponse } from '../../src/oauth/authorization-response.ts';
import type { ClientCredentials } from '../../src/oauth/client-authentication.ts';
import { clientMetadata } from '../../src/oauth/client-metadata.ts';
import { type CodeGrantRequest, exchangeCode } from '../../src/oauth/code-grant.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import { refreshGrant } from '../../src/oauth/refresh-grant.ts';
import { registerClient } from '../../src/oauth/register-client.ts';
import { resourceOf } from '../../src/oauth/resource-of.ts';

const REDIRECT_URI = 'http://127.0.0.1:9/oauth/callback';

let network: ClosableGuardedFetch;
let authorizationServer: AuthorizationServer;
let mcpServer: DemoMcpServer;

beforeAll(async () => {
  network = createGuardedFetch({ policy: 'development' });
  authorizationServer = await startAuthorizationServer();
  mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
});

afterAll(async () => {
  await mcpServer.stop();
  await authorizationServer.stop();
  await network.close(0);
});

async function discover() {
  const target = { url: mcpServer.url, headers: {} };
  const probed = await probeAuthorization(network.fetch, target, { clientVersion: '0.0.0-test' });
  if (probed.kind !== 'challenged') throw new Error(`not challenged: ${probed.kind}`);
  const lookup = createAuthorizationServerLookup(network.fetch);
  const found = await lookup.ofMcpServer({ url: mcpServer.url, auth: { type: 'oauth2' } }, probed);
  if (found.kind !== 'found') throw new Error(`not found: ${found.kind}`);
  const { authorizationEndpoint = '', registrationEndpoint = '' } = found.metadata;
  const resource = resourceOf(mcpServer.url, {}, found.resource);
  return { metadata: { ...found.metadata, authorizationEndpoint, registrationEndpoint }, resource };
}

type Found = Awaited<ReturnType<typeof discover>>;

/** What the code grant needs after a consent of `loginHint`. */
async function consent(
  { metadata, resource }: Found,
  client: ClientCredentials & { clientId: string },
  { scope = 'openid mcp:tools', loginHint = 'zoe' } = {},
): Promise<CodeGrantRequest & { nonce: string }> {
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const shared = { redirectUri: REDIRECT_URI, codeVerifier, ...(resource !== undefined && { resource }) };
  const { clientId } = client;
  const request = { metadata, clientId, state: 's1', nonce: 'n1', scope, loginHint, ...shared };
  const back = await followAuthorization(await buildAuthorizationUrl(request), REDIRECT_URI);
  expect(back.searchParams.get('state')).toBe('s1');
  const response = readAuthorizationResponse(back.searchParams, metadata);
  if (response.kind !== 'code') throw new Error(`no code: ${JSON.stringify(response)}`);
  const { tokenEndpoint, addressFrom, issuer } = metadata;
  return { ...client, ...shared, tokenEndpoint, addressFrom, issuer, code: response.code, nonce: 'n1' };
}

test("leads from a server's URL alone to tokens that renew, and to whose they are", async () => {
  const found = await discover();
  const { metadata, resource } = found;
  const { registrationEndpoint, addressFrom, authMethods = [] } = metadata;
  const client = await registerClient(network.fetch, {
    registrationEndpoint,
    addressFrom,
    metadata: clientMetadata({ clientName: 'Latchkey', redirectUris: [REDIRECT_URI], authMethods }),
  });
  if (client.kind !== 'registered') throw new Error(`not registered: ${JSON.stringify(client)}`);

  const grant = await consent(found, client);
  const outcome = await exchangeCode(network.fetch, grant);

  if (outcome.kind !== 'tokens') throw new Error(`no tokens: ${JSON.stringify(outcome)}`);
  const { answer } = outcome;
  expect(answer).toMatchObject({
    accessToken: expect.any(String),
    scope: expect.stringContaining('mcp:tools'),
  });
  const { issuer } = metadata;
  const whose = { metadata, answer, clientId: client.clientId, nonce: grant.nonce, issuer };
  expect(await accountSubject(network.fetch, whose)).toEqual({ subject: 'zoe', label: 'zoe' });
  expect(await accountSubject(network.fetch, { ...whose, nonce: 'another' })).toEqual({});
  const renewed = await refreshGrant(network.fetch, {
    ...client,
    tokenEndpoint: metadata.tokenEndpoint,
    addressFrom,
    refreshToken: answer.refreshToken ?? '',
    ...(resource !== undefined && { resource }),
    beforeFirstByte: () => {},
  });
  expect(renewed).toMatchObject({ kind: 'tokens' });
});

test('works with a client that signs with a private key', async () => {
  const found = await discover();
  const { clientId, privateKey } = await registerClientWithKey();

  const grant = await consent(found, { clientId, privateKey });

  expect(await exchangeCode(network.fetch, grant)).toMatchObject({ kind: 'tokens' });
});

test('refuses a code with another verifier, redirect URI or resource, and a code that is spent', async () => {
  const found = await discover();
  const { clientId } = await authorizationServer.registerClient({
    redirectUris: [REDIRECT_URI],
    tokenEndpointAuthMethod: 'none',
  });
  const changes = [
    { codeVerifier: oauth.generateRandomCodeVerifier() },
    { redirectUri: `${REDIRECT_URI}/other` },
    { resource: `${mcpServer.url}/` },
  ];
  for (const change of changes) {
    const outcome = await exchangeCode(network.fetch, { ...(await consent(found, { clientId })), ...change });
    expect(outcome).toMatchObject({ kind: 'refused' });
  }
  const grant = await consent(found, { clientId });
  expect(await exchangeCode(network.fetch, grant)).toMatchObject({ kind: 'tokens' });
  expect(await exchangeCode(network.fetch, grant)).toMatchObject({
    kind: 'refused',
    codes: ['invalid_grant'],
  });
});

test('names the error of a consent that was refused', async () => {
  authorizationServer.control.setDenyConsent(true);
  try {
    const found = await discover();
    const { clientId } = await authorizationServer.registerClient({
      redirectUris: [REDIRECT_URI],
      tokenEndpointAuthMethod: 'none',
    });
    await expect(consent(found, { clientId })).rejects.toThrow('access_denied');
  } finally {
    authorizationServer.control.setDenyConsent(false);
  }
});

async function registerClientWithKey(): Promise<{ clientId: string; privateKey: JWK }> {
  const pair = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const more = { alg: 'ES256', kid: 'key-1' };
  const response = await fetch(authorizationServer.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [REDIRECT_URI],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), ...more }] },
    }),
  });
  const { client_id: clientId } = (await response.json()) as { client_id: string };
  return { clientId, privateKey: { ...(pair.privateKey.export({ format: 'jwk' }) as JWK), ...more } };
}
