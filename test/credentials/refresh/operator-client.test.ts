import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { createAuthorizationServerLookup } from '../../../src/oauth/discovery.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import { createVault } from '../../../src/vault/vault.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';
import { readRow, readVersions } from '../credential-row.ts';
import {
  cut,
  json,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  type TokenReply,
  tokens,
} from './scripted-token-endpoint.ts';

const CLIENT_SECRET = 'the-operators-secret';
const RESOURCE_METADATA = '/.well-known/oauth-protected-resource/mcp';
const METADATA = '/.well-known/oauth-authorization-server';

let fixture: CredentialFixture;
/** The MCP server and its authorization server, at one origin. */
let party: ScriptedTokenEndpoint;
/** The token endpoint that deposits name. */
let elsewhere: ScriptedTokenEndpoint;
let key: CredentialKey;

beforeAll(async () => {
  [fixture, elsewhere] = await Promise.all([createCredentialFixture(), startScriptedTokenEndpoint()]);
});

afterAll(() => Promise.all([fixture.stop(), elsewhere.stop()]));

// A new origin for each test: metadata is kept for ten minutes.
beforeEach(async () => {
  party = await startScriptedTokenEndpoint();
  elsewhere.seen.length = 0;
  elsewhere.answer(tokens());
  party.answer(tokens({ refresh_token: 'r2' }));
  const metadata = { issuer: party.origin, token_endpoint: party.url };
  party.answer(json(200, metadata), METADATA);
  const resource = { resource: `${party.origin}/mcp`, authorization_servers: [party.origin] };
  party.answer(json(200, resource), RESOURCE_METADATA);
  key = await connected();
  return () => party.stop();
});

async function connected(auth: object = {}, deposit: object = {}): Promise<CredentialKey> {
  const client = { type: 'oauth2', clientId: 'operator', clientSecret: CLIENT_SECRET };
  const server = await fixture.register({ url: `${party.origin}/mcp`, auth: { ...client, ...auth } });
  const newKey = fixture.newKey(server);
  await fixture.deposit(newKey, {
    refreshToken: 'r1',
    accessToken: 'a1',
    tokenEndpoint: elsewhere.url,
    ...deposit,
  });
  return newKey;
}

const renew = async (renewal = fixture.renewal): Promise<RenewalOutcome> =>
  renewal.renew(key, await readVersions(fixture.pool, key));

const tokenRequests = () => party.seen.filter(({ path }) => path === '/token');
const BASIC = `Basic ${btoa(`operator:${CLIENT_SECRET}`)}`;
const UNTOUCHED = { status: 'connected', reason: null, grantSeq: 0, storedSeq: 0, isLeased: false };

describe("the operator's client secret", () => {
  test('goes to the token endpoint of validated metadata, whatever address was deposited', async () => {
    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(tokenRequests()).toHaveLength(1);
    expect(tokenRequests()[0]?.headers.authorization).toBe(BASIC);
    expect(elsewhere.seen).toEqual([]);
  });

  test('goes to the authorization server that an admin named, and the MCP server is not asked', async () => {
    key = await connected({ authorizationServer: party.origin }, { tokenEndpoint: `${party.origin}/other` });

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(party.seen.map(({ path }) => path)).toEqual([METADATA, '/token']);
  });

  test('is not sent when the user brings a client', async () => {
    key = await connected({}, { clientId: 'operator' });

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(party.seen).toEqual([]);
  });

  test('needs no more look-ups once the metadata is known', async () => {
    await renew();
    await renew();

    expect(party.seen.map(({ path }) => path)).toEqual([RESOURCE_METADATA, METADATA, '/token', '/token']);
  });

  test.each([
    [
      'the key is not configured',
      { id: 'k2', bytes: new Uint8Array(32) },
      { kind: 'key-missing', kid: 'k1' },
    ],
    [
      'the key is another one',
      { id: 'k1', bytes: new Uint8Array(32) },
      { kind: 'misconfigured', message: expect.stringContaining('register it again') },
    ],
  ])('needs the operator when %s', async (_what, otherKey, expected) => {
    const ring = createKeyRing([otherKey]);
    const process = fixture.anotherProcess({ vault: createVault(ring), keyRing: ring });
    key = { ...key, userId: `another-${key.userId}` };
    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: elsewhere.url }, ring);

    const outcome = await renew(process.renewal);

    expect(outcome).toEqual(expected);
    expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);
    expect(party.seen).toEqual([]);
  });
});

describe('an MCP server of 2025-03-26, whose origin is its authorization server,', () => {
  beforeEach(() => party.answer(raw(404, ''), RESOURCE_METADATA));

  test('gets the secret for its own grants', async () => {
    key = await connected({}, { tokenEndpoint: party.url });

    expect(await renew()).toMatchObject({ kind: 'renewed' });
    expect(tokenRequests()[0]?.headers.authorization).toBe(BASIC);
  });

  test('gets it at its default endpoint for its own grants too', async () => {
    party.answer(raw(404, ''), METADATA);
    key = await connected({}, { tokenEndpoint: party.url });

    expect(await renew()).toMatchObject({ kind: 'renewed' });
  });

  test.each([METADATA, RESOURCE_METADATA])('gets no grant of another one (without %s)', async (path) => {
    party.answer(raw(404, ''), path);

    expect(await renew()).toMatchObject({ kind: 'misconfigured' });

    expect(tokenRequests()).toEqual([]);
    expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);
  });
});

describe('endpoints that an admin registered', () => {
  test('get the secret, and no metadata is needed', async () => {
    party.answer(raw(404, ''), RESOURCE_METADATA);
    party.answer(raw(404, ''), METADATA);
    key = await connected({ tokenEndpoint: party.url }, { tokenEndpoint: `${party.origin}/deposited` });

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(tokenRequests()[0]?.headers.authorization).toBe(BASIC);
  });

  test('get it instead of those of the metadata', async () => {
    key = await connected({ tokenEndpoint: elsewhere.url });

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    expect(elsewhere.seen.at(-1)?.headers.authorization).toBe(BASIC);
    expect(tokenRequests()).toEqual([]);
  });
});

describe('a client with a private key', () => {
  test('signs for the issuer, and neither the key nor another method is sent', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'key-1' };
    key = await connected({ clientSecret: undefined, privateKey: jwk });

    expect(await renew()).toMatchObject({ kind: 'renewed' });

    const [request] = tokenRequests();
    expect(request?.headers.authorization).toBeUndefined();
    const assertion = request?.body.get('client_assertion') ?? '';
    const expected = { issuer: 'operator', subject: 'operator', audience: party.origin };
    await jwtVerify(assertion, createPublicKey(privateKey), expected);
  });

  test('that is refused waits for the operator, and is not tried in another way', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256' };
    key = await connected({ privateKey: jwk });
    party.answer(oauthError('invalid_client', 401));

    expect(await renew()).toMatchObject({ kind: 'misconfigured', clientRefused: 'invalid_client' });

    expect(tokenRequests()).toHaveLength(1);
  });
});

describe('metadata that is not trusted', () => {
  const cases: [string, string, () => TokenReply][] = [
    [
      'another issuer',
      METADATA,
      () => json(200, { issuer: elsewhere.origin, token_endpoint: elsewhere.url }),
    ],
    ['no token endpoint', METADATA, () => json(200, { issuer: party.origin })],
    ['no usable token endpoint', METADATA, () => json(200, { issuer: party.origin, token_endpoint: '/x' })],
    ...['file:///etc/passwd', 'ftp://as.example/token', 'data:,x', 'https://user@as.example/token'].map(
      (token_endpoint): [string, string, () => TokenReply] => [
        `the token endpoint ${token_endpoint}`,
        METADATA,
        () => json(200, { issuer: party.origin, token_endpoint }),
      ],
    ),
    ['no JSON', METADATA, () => raw(200, '<html>', { 'content-type': 'text/html' })],
    ['a redirect', METADATA, () => raw(302, '', { location: `${elsewhere.origin}${METADATA}` })],
    ['another resource', RESOURCE_METADATA, () => json(200, { resource: 'https://other.example/mcp' })],
    ['no authorization server', RESOURCE_METADATA, () => json(200, { resource: `${party.origin}/mcp` })],
    ['no resource metadata', RESOURCE_METADATA, () => raw(404, '')],
  ];

  test.each(cases)('(%s) is reported as misconfigured, and no secret is sent', async (_what, path, reply) => {
    party.answer(reply(), path);

    expect(await renew()).toMatchObject({ kind: 'misconfigured' });

    expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);
    expect(tokenRequests()).toEqual([]);
    expect(elsewhere.seen).toEqual([]);
  });

  const outages: [string, string, () => TokenReply][] = [
    ['metadata', METADATA, () => raw(503, '')],
    ['metadata', METADATA, () => raw(429, '')],
    ['metadata', METADATA, () => cut()],
    ['metadata', METADATA, () => cut('{"issuer":')],
    ['resource metadata', RESOURCE_METADATA, () => raw(502, '')],
    ['resource metadata', RESOURCE_METADATA, () => cut('{')],
  ];

  test.each(outages)('is looked for again after the %s was unavailable (%#)', async (_what, path, reply) => {
    party.answer(reply(), path);
    expect(await renew()).toMatchObject({ kind: 'unavailable' });
    expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);

    party.answer(json(200, { issuer: party.origin, token_endpoint: party.url }), METADATA);
    const resource = { resource: `${party.origin}/mcp`, authorization_servers: [party.origin] };
    party.answer(json(200, resource), RESOURCE_METADATA);

    expect(await renew()).toMatchObject({ kind: 'renewed' });
  });
});

describe("what the authorization server says to the operator's client", () => {
  test.each(['invalid_scope', 'invalid_target', 'unsupported_grant_type'])(
    '%s is reported as misconfigured, and no user is asked',
    async (error) => {
      party.answer(oauthError(error));

      const outcome = await renew();

      expect(outcome).toEqual({ kind: 'misconfigured', message: expect.stringContaining(error) });
      expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);
      expect(tokenRequests()).toHaveLength(1);
    },
  );

  test.each(['invalid_client', 'unauthorized_client', 'incorrect_client_credentials'])(
    '%s to both authentication methods is reported as misconfigured, and no user is asked',
    async (error) => {
      party.answer(oauthError(error, 401));

      const outcome = await renew();

      const message = expect.stringContaining(error);
      expect(outcome).toEqual({ kind: 'misconfigured', message, clientRefused: error });
      expect(await readRow(fixture.pool, key)).toMatchObject(UNTOUCHED);
      expect(tokenRequests()).toHaveLength(2);
    },
  );

  test('is not asked for again by any user or step until the operator registers the server again', async () => {
    const other = { ...key, userId: `other-${key.userId}` };
    await fixture.deposit(other, { refreshToken: 'r1', tokenEndpoint: elsewhere.url });
    const events: unknown[] = [];
    const logger = createLogger({
      level: 'warn',
      destination: { write: (line) => events.push(JSON.parse(line)) },
    });
    const { renewal } = fixture.anotherProcess({ logger });
    party.answer(oauthError('invalid_client', 401));
    const FIRST = { credentialVersion: 1, tokenVersion: 1 };
    for (const one of [key, other, key]) {
      expect(await renewal.renew(one, FIRST)).toMatchObject({ clientRefused: 'invalid_client' });
    }
    expect(tokenRequests()).toHaveLength(2);
    expect(
      events.filter((line) => (line as { event?: string }).event === 'waiting-for-operator'),
    ).toMatchObject([{ mcpServerId: key.mcpServerId, cause: 'invalid_client' }]);

    party.answer(tokens());
    const client = { type: 'oauth2', clientId: 'operator', clientSecret: 'mended' };
    await fixture.register({ url: `${party.origin}/mcp`, auth: client }, key.mcpServerId);

    expect(await renewal.renew(other, FIRST)).toMatchObject({ kind: 'renewed' });
  });

  test.each(['none', 'client_secret_post'] as const)(
    'does not depend on the method %s that a deposit names for its own client',
    async (tokenEndpointAuthMethod) => {
      party.answer((response, request) => {
        const isBasic = request.headers.authorization === BASIC;
        (isBasic ? tokens() : oauthError('invalid_client', 401))(response, request);
      });
      key = await connected({}, { tokenEndpointAuthMethod });

      expect(await renew()).toMatchObject({ kind: 'renewed' });
      expect(tokenRequests()).toHaveLength(1);
    },
  );

  test('invalid_grant asks the user', async () => {
    party.answer(oauthError('invalid_grant'));

    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
  });

  test('does not count when a deposit has come in the meantime', async () => {
    const answering = new Promise<() => void>((resolve) => {
      party.answer((...exchange) => resolve(() => oauthError('invalid_scope')(...exchange)));
    });
    const renewing = renew();
    const answer = await answering;
    await fixture.deposit(key, { refreshToken: 'r9', accessToken: 'a9', tokenEndpoint: elsewhere.url });
    answer();

    const versions = { credentialVersion: 2, tokenVersion: 2 };
    expect(await renewing).toEqual({ kind: 'renewed', versions });
  });
});

test('the authorization server that an MCP server names must be at an address that a user may name', async () => {
  const asked: [string, string][] = [];
  const lookup = createAuthorizationServerLookup((url, { addressFrom, ...init }) => {
    asked.push([new URL(url).pathname, addressFrom]);
    return fixture.dependencies.guardedFetch(url, { ...init, addressFrom });
  });
  const process = fixture.anotherProcess({ authorizationServers: lookup });

  await renew(process.renewal);

  expect(asked).toEqual([
    [RESOURCE_METADATA, 'admin'],
    [METADATA, 'user'],
  ]);
});
