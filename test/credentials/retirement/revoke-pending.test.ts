import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import type { GrantDeposit } from '../../../src/credentials/deposit/deposited-grant.ts';
import {
  disconnectCredential,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { revokePending } from '../../../src/credentials/retirement/revoke-pending.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import { createVault } from '../../../src/vault/vault.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';
import {
  cut,
  json,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../refresh/scripted-token-endpoint.ts';

const METADATA = '/.well-known/oauth-authorization-server';
const OPERATOR = { type: 'oauth2', clientId: 'operator', clientSecret: 'operators' };
const OPERATOR_BASIC = `Basic ${btoa('operator:operators')}`;

let fixture: CredentialFixture;
/** The MCP server and its authorization server. */
let party: ScriptedTokenEndpoint;
/** An authorization server that has nothing to do with the MCP server. */
let stranger: ScriptedTokenEndpoint;
let key: CredentialKey;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

// New origins for each test: metadata is kept for ten minutes.
beforeEach(async () => {
  [party, stranger] = await Promise.all([startScriptedTokenEndpoint(), startScriptedTokenEndpoint()]);
  publish(party);
  publish(stranger);
  nameIssuer(party.origin);
  return () => Promise.all([party.stop(), stranger.stop()]);
});

function publish(server: ScriptedTokenEndpoint, changes: Record<string, unknown> = {}): void {
  const { origin, url } = server;
  const metadata = { issuer: origin, token_endpoint: url, revocation_endpoint: `${origin}/revoke` };
  server.answer(json(200, { ...metadata, ...changes }), METADATA);
  server.answer(raw(200, ''), '/revoke');
}

/** Sets the issuers that the MCP server names. RFC 9728. */
function nameIssuer(...issuers: string[]): void {
  const resource = { resource: `${party.origin}/mcp`, authorization_servers: issuers };
  party.answer(json(200, resource), '/.well-known/oauth-protected-resource/mcp');
}

async function disconnected(
  auth: object,
  deposit: Partial<Deposit> = {},
  ring = fixture.keyRing,
): Promise<void> {
  const server = await fixture.register({ url: `${party.origin}/mcp`, auth: { type: 'oauth2', ...auth } });
  key = fixture.newKey(server);
  await fixture.deposit(key, { refreshToken: 'r1', tokenEndpoint: party.url, ...deposit }, ring);
  await disconnectCredential(fixture.pool, key);
}

/** Disconnects what a consent in the browser has stored. */
async function disconnectedConsent(grant: Partial<GrantDeposit>): Promise<void> {
  const server = await fixture.register({ url: `${party.origin}/mcp`, auth: { type: 'oauth2' } });
  key = fixture.newKey(server);
  const { pool, vault, keyRing, dependencies } = fixture;
  const { authorizationServers } = dependencies;
  const resuming = { refuseAddress: () => undefined, startResumption: async () => {} };
  const deposit = { mcpServerId: server.id, tokenEndpoint: party.url, clientId: 'mine', ...grant };
  await depositCredential({ pool, vault, keyRing, authorizationServers, ...resuming }, key.userId, deposit);
  await disconnectCredential(pool, key);
}

const revoke = (ring = fixture.keyRing) =>
  revokePending({ ...fixture.dependencies, vault: createVault(ring) }, key);
const pending = () => findPendingRevocation(fixture.pool, key);
const requestsOf = (server: ScriptedTokenEndpoint) => server.seen.filter(({ path }) => path === '/revoke');

const sentTo = (server: ScriptedTokenEndpoint) =>
  requestsOf(server).map(({ headers, body }) => [headers.authorization, Object.fromEntries(body)]);

const TOKEN = { token: 'r1', token_type_hint: 'refresh_token' };

describe('a disconnected grant', () => {
  test("is revoked as the user's own client where the metadata says, once", async () => {
    await disconnected({}, { clientId: 'mine', clientSecret: 's' });

    expect(await revoke()).toBe('revoked');

    expect(sentTo(party)).toEqual([[`Basic ${btoa('mine:s')}`, TOKEN]]);
    expect(await pending()).toBeUndefined();
    expect(await revoke()).toBe('nothing-to-do');
    expect(requestsOf(party)).toHaveLength(1);
  });

  test.each([401, 400])(
    'is revoked by the other method where the assumed one is refused (%i)',
    async (status) => {
      party.answer((response, request) => {
        const isPost = request.body.has('client_secret');
        (isPost ? raw(200, '') : json(status, { error: 'invalid_client' }))(response, request);
      }, '/revoke');
      await disconnected(OPERATOR);

      expect(await revoke()).toBe('revoked');

      expect(requestsOf(party).map(({ headers }) => headers.authorization)).toEqual([
        OPERATOR_BASIC,
        undefined,
      ]);
    },
  );

  test('is revoked as the registration says, and no other method is tried', async () => {
    party.answer(json(401, { error: 'invalid_client' }), '/revoke');
    await disconnected({ ...OPERATOR, tokenEndpointAuthMethod: 'client_secret_post' });

    expect(await revoke()).toBe('refused');

    expect(requestsOf(party).map(({ body }) => body.get('client_secret'))).toEqual(['operators']);
  });

  test('is revoked without a client where there is none', async () => {
    await disconnected({});

    expect(await revoke()).toBe('revoked');

    expect(sentTo(party)).toEqual([[undefined, TOKEN]]);
  });

  test.each([{}, { byAdmin: true }])("is revoked as the operator's client (%o)", async ({ byAdmin }) => {
    await disconnected({ ...OPERATOR, ...(byAdmin && { authorizationServer: party.origin }) });

    expect(await revoke()).toBe('revoked');

    expect(sentTo(party)).toEqual([[OPERATOR_BASIC, TOKEN]]);
  });

  test("is revoked as the operator's client with a private key", async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'EdDSA' };
    await disconnected({ clientId: 'operator', privateKey: jwk });

    expect(await revoke()).toBe('revoked');

    const [request] = requestsOf(party);
    expect(request?.headers.authorization).toBeUndefined();
    const expected = { issuer: 'operator', audience: party.origin };
    await jwtVerify(request?.body.get('client_assertion') ?? '', createPublicKey(privateKey), expected);
  });

  test('is revoked where the admin says, though there are no metadata', async () => {
    party.answer(raw(404, ''), METADATA);
    const revocationEndpoint = `${stranger.origin}/revoke`;
    await disconnected({ ...OPERATOR, tokenEndpoint: party.url, revocationEndpoint });

    expect(await revoke()).toBe('revoked');

    expect(sentTo(stranger)).toEqual([[OPERATOR_BASIC, TOKEN]]);
  });

  test('is revoked where the admin says, instead of where the metadata do', async () => {
    await disconnected({ revocationEndpoint: `${stranger.origin}/revoke` }, { issuer: party.origin });

    expect(await revoke()).toBe('revoked');

    expect([sentTo(stranger).length, sentTo(party).length]).toEqual([1, 0]);
  });

  test("is revoked at its own authorization server of several, as the operator's client", async () => {
    nameIssuer(party.origin, stranger.origin);
    await disconnected(OPERATOR, { issuer: stranger.origin, tokenEndpoint: stranger.url });

    expect(await revoke()).toBe('revoked');

    expect([sentTo(stranger).length, sentTo(party).length]).toEqual([1, 0]);
  });

  test('is revoked where the admin says, though the metadata can not be had', async () => {
    party.answer(raw(503, ''), METADATA);
    const endpoints = { authorizationEndpoint: `${party.origin}/authorize`, tokenEndpoint: party.url };
    await disconnected({ ...OPERATOR, ...endpoints, revocationEndpoint: `${party.origin}/revoke` });

    expect(await revoke()).toBe('revoked');
  });

  test('is kept while the metadata of its authorization server are missing', async () => {
    party.answer(raw(404, ''), METADATA);
    await disconnected(OPERATOR);

    expect(await revoke()).toBe('failed');

    expect(await pending()).toBeDefined();
  });

  test('is revoked where the issuer of the deposit says, with its own client', async () => {
    const deposit = { clientId: 'mine', issuer: stranger.origin, tokenEndpoint: stranger.url };
    await disconnected({}, deposit);

    expect(await revoke()).toBe('revoked');

    expect(sentTo(stranger)).toEqual([[undefined, { ...TOKEN, client_id: 'mine' }]]);
    expect(party.seen).toEqual([]);
  });

  test('is revoked by its access token, if it has no refresh token', async () => {
    await disconnectedConsent({ accessToken: 'a1' });

    expect(await revoke()).toBe('revoked');

    expect(sentTo(party)).toEqual([
      [undefined, { token: 'a1', token_type_hint: 'access_token', client_id: 'mine' }],
    ]);
  });

  test('is revoked by its refresh token alone, if it has both', async () => {
    await disconnectedConsent({ accessToken: 'a1', refreshToken: 'r1' });

    expect(await revoke()).toBe('revoked');

    expect(sentTo(party)).toEqual([[undefined, { ...TOKEN, client_id: 'mine' }]]);
  });

  test.each([
    [raw(200, ''), { event: 'grant.revoked', outcome: 'revoked', tokenType: 'access_token' }],
    [json(400, {}), { event: 'grant.not-revoked', outcome: 'refused', tokenType: 'access_token' }],
  ])('is logged as revoked only if it was: %#', async (reply, line) => {
    party.answer(reply, '/revoke');
    await disconnectedConsent({ accessToken: 'a1' });
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (text) => void lines.push(text) } });

    await revokePending({ ...fixture.dependencies, logger }, key);

    expect(lines.map((text) => JSON.parse(text))).toMatchObject([{ ...line, msg: line.event }]);
  });

  test('is revoked where its issuer says, if its token endpoint is there', async () => {
    publish(party, { revocation_endpoint: `${stranger.origin}/revoke` });
    await disconnectedConsent({ refreshToken: 'r1', issuer: party.origin });

    expect(await revoke()).toBe('revoked');

    expect(requestsOf(stranger)).toHaveLength(1);
  });

  test.each([
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
  ] as const)('is given up when the server answers %i', async (status, outcome) => {
    party.answer(json(status, { error: 'unsupported_token_type' }), '/revoke');
    await disconnected({});

    expect(await revoke()).toBe(outcome);

    expect(await pending()).toBeUndefined();
  });

  test.each([
    ['a 500', raw(500, '')],
    ['a 429', raw(429, '')],
    ['no answer', cut()],
  ])('is kept for another try after %s', async (_what, reply) => {
    party.answer(reply, '/revoke');
    await disconnected({});
    const kept = await pending();

    expect(await revoke()).toBe('failed');

    expect(kept).toBeDefined();
    expect(await pending()).toBe(kept);
    party.answer(raw(200, ''), '/revoke');
    expect(await revoke()).toBe('revoked');
  });

  test('is kept while the server is down', async () => {
    await disconnected({});
    await party.stop();

    expect(await revoke()).toBe('failed');

    expect(await pending()).toBeDefined();
  });

  const k2 = { id: 'k2', bytes: new Uint8Array(32) };

  test('is kept while its key is not configured', async () => {
    await disconnected({});

    expect(await revoke(createKeyRing([k2]))).toBe('failed');

    expect(await revoke(createKeyRing([k2, ...fixture.keys]))).toBe('revoked');
  });

  test("is kept while the key of the operator's secret is not configured", async () => {
    await disconnected(OPERATOR, {}, createKeyRing([k2]));

    expect(await revoke(createKeyRing([k2]))).toBe('failed');

    expect(requestsOf(party)).toEqual([]);
    expect(await revoke(createKeyRing([k2, ...fixture.keys]))).toBe('revoked');
    expect(sentTo(party)).toEqual([[OPERATOR_BASIC, TOKEN]]);
  });

  test('is forgotten with the next deposit', async () => {
    await disconnected({});

    await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: party.url });

    expect(await revoke()).toBe('nothing-to-do');
    expect(requestsOf(party)).toEqual([]);
  });

  test('is not removed by the revocation of an earlier one', async () => {
    await disconnected({});
    party.answer((response) => void depositAndDisconnect().then(() => response.end()), '/revoke');

    expect(await revoke()).toBe('revoked');

    party.answer(raw(200, ''), '/revoke');
    expect(await revoke()).toBe('revoked');
    expect(requestsOf(party).map(({ body }) => body.get('token'))).toEqual(['r1', 'r2']);
  });
});

async function depositAndDisconnect(): Promise<void> {
  await fixture.deposit(key, { refreshToken: 'r2', tokenEndpoint: party.url });
  await disconnectCredential(fixture.pool, key);
}

describe('nothing is sent anywhere', () => {
  test('when the metadata is that of another token endpoint', async () => {
    await disconnected({}, { tokenEndpoint: `${party.origin}/another` });

    expect(await revoke()).toBe('refused');

    expect(requestsOf(party)).toEqual([]);
  });

  test('when the metadata announces no revocation endpoint, or none that can be used', async () => {
    for (const revocation_endpoint of [undefined, null, 42, 'nowhere']) {
      publish(stranger, { revocation_endpoint });
      await disconnected({}, { issuer: stranger.origin, tokenEndpoint: stranger.url });
      expect(await revoke()).toBe('refused');
    }
    expect(requestsOf(stranger)).toEqual([]);
  });

  test("with the operator's client to an address from a deposit", async () => {
    await disconnected(OPERATOR, { issuer: stranger.origin, tokenEndpoint: stranger.url });

    expect(await revoke()).toBe('refused');

    expect(stranger.seen).toEqual([]);
  });

  test('to an authorization server that claims the token endpoint of another', async () => {
    publish(stranger, { token_endpoint: party.url });
    nameIssuer(stranger.origin);
    await disconnected({}, { clientId: 'mine', clientSecret: 's' });

    expect(await revoke()).toBe('refused');

    expect(requestsOf(stranger)).toEqual([]);
  });

  test('to an issuer elsewhere whose metadata name the token endpoint of the grant', async () => {
    publish(stranger, { token_endpoint: party.url });
    for (const grant of [{ refreshToken: 'r1' }, { accessToken: 'a1' }]) {
      await disconnectedConsent({ ...grant, issuer: stranger.origin });

      expect(await revoke()).toBe('refused');
    }
    expect(requestsOf(stranger)).toEqual([]);
  });

  test('when the server is no longer registered', async () => {
    await disconnected({});
    await fixture.servers.remove(key.mcpServerId);

    expect(await revoke()).toBe('refused');

    expect(requestsOf(party)).toEqual([]);
    expect(await pending()).toBeUndefined();
  });
});
