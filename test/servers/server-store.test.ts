import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import { addressOf } from '../../src/servers/registered-server.ts';
import { openServerSecrets } from '../../src/servers/server-secrets.ts';
import { createServerStore, type ServerStore } from '../../src/servers/server-store.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault, type Vault } from '../../src/vault/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;
let vault: Vault;
let servers: ServerStore;
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 5, onIdleError: () => {} });
  vault = createVault(createKeyRing([{ id: 'k1', bytes: randomBytes(32) }]));
  servers = createServerStore(pool, vault);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(() => {
  id = `server-${randomBytes(4).toString('hex')}`;
});

const URL_1 = 'https://mcp.example/mcp';
const OAUTH = {
  type: 'oauth2',
  clientId: 'c',
  clientSecret: 's',
  scopes: 'a b',
  authorizationServer: URL_1,
  idleLimit: '30 days',
};

const put = (registration: object) =>
  servers.put(id, serverRegistrationSchema.parse({ url: URL_1, auth: { type: 'oauth2' }, ...registration }));

async function secrets() {
  const { rows } = await pool.query<{ secret_jwe: string | null }>(
    'SELECT secret_jwe FROM mcp_server WHERE id = $1',
    [id],
  );
  return openServerSecrets(vault, id, rows[0]?.secret_jwe ?? null);
}

describe('a registration', () => {
  test('is found as it was made, without its secrets', async () => {
    const { server, created } = await put({
      auth: OAUTH,
      title: 'Notes',
      headers: { 'X-Key': 'k' },
      trustAnnotations: true,
      maxResultBytes: 2048,
      maxConcurrentCalls: 7,
    });

    expect(created).toBe(true);
    const { clientSecret: _, ...auth } = OAUTH;
    expect(server).toMatchObject({ id, url: URL_1, auth, title: 'Notes', headerNames: ['X-Key'] });
    expect(server).toMatchObject({ trustAnnotations: true, maxResultBytes: 2048, maxConcurrentCalls: 7 });
    expect(await servers.find(id)).toEqual(server);
    expect(await servers.list()).toContainEqual(server);
    expect(await secrets()).toEqual({
      kind: 'opened',
      secrets: { clientSecret: 's', headers: { 'X-Key': 'k' } },
    });
  });

  test('of an authorization server without metadata is found as it was made, and its key is sealed', async () => {
    const auth = {
      type: 'oauth2',
      clientId: 'c',
      authorizationEndpoint: 'https://as.example/authorize',
      tokenEndpoint: 'https://as.example/token',
      revocationEndpoint: 'https://as.example/revoke',
      authorizationParams: { access_type: 'offline', b: '' },
      resource: 'api://app',
    };
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'EdDSA', kid: 'key-1' };

    const { server } = await put({ auth: { ...auth, privateKey: jwk } });

    expect(server.auth).toEqual({ ...auth, tokenEndpointAuthMethod: 'private_key_jwt' });
    expect(await servers.find(id)).toEqual(server);
    expect(await secrets()).toEqual({ kind: 'opened', secrets: { privateKey: jwk } });
    const { rows } = await pool.query('SELECT * FROM mcp_server WHERE id = $1', [id]);
    expect(JSON.stringify(rows)).not.toContain(jwk.d);
  });

  test('is replaced whole: what the new one leaves out is gone', async () => {
    await put({ auth: OAUTH, title: 'Notes', headers: { 'X-Key': 'k' } });

    const { server, created } = await put({ auth: { type: 'none' } });

    expect(created).toBe(false);
    expect(server).toMatchObject({ auth: { type: 'none' }, headerNames: [], trustAnnotations: false });
    expect(server).not.toHaveProperty('title');
    expect(await secrets()).toEqual({ kind: 'opened', secrets: {} });
  });

  test('is gone once it was removed', async () => {
    await put({});

    expect(await servers.remove(id)).toBe(true);

    expect(await servers.find(id)).toBeUndefined();
    expect(await servers.remove(id)).toBe(false);
  });

  test("holds secrets that open for no other server's", async () => {
    await put({ auth: { type: 'bearer', token: 't' } });
    const { rows } = await pool.query<{ jwe: string }>(
      'SELECT secret_jwe AS jwe FROM mcp_server WHERE id = $1',
      [id],
    );

    const opened = await openServerSecrets(vault, 'another', rows[0]?.jwe ?? null);

    expect(opened).toMatchObject({ kind: 'undecryptable' });
  });
});

describe('the revision', () => {
  const revisions = async (registration: object) => {
    const before = (await put({ auth: OAUTH })).server;
    const after = (await put({ auth: OAUTH, ...registration })).server;
    expect(after.registrationVersion).toBeGreaterThan(before.registrationVersion);
    return after.revision - before.revision;
  };

  test.each([
    ['the same registration', {}],
    ['another title', { title: 'New' }],
    ['other headers', { headers: { 'X-Key': 'k' } }],
    ['another idle limit', { auth: { ...OAUTH, idleLimit: '5 days' } }],
    ['other authorization parameters', { auth: { ...OAUTH, authorizationParams: { a: 'b' } } }],
    ['no idle limit', { auth: { ...OAUTH, idleLimit: undefined } }],
    ['another client', { auth: { ...OAUTH, clientId: 'd', clientSecret: 't', scopes: 'c' } }],
  ])('stays with %s', async (_what, registration) => {
    expect(await revisions(registration)).toBe(0);
  });

  test.each([
    ['another origin', { url: 'https://other.example/mcp' }],
    ['another resource', { url: 'https://mcp.example/other' }],
    ['another way to write the resource', { url: 'https://MCP.example/mcp' }],
    ['another issuer', { auth: { ...OAUTH, authorizationServer: 'https://as.example' } }],
    ['no issuer', { auth: { type: 'oauth2' } }],
    ['a token endpoint', { auth: { ...OAUTH, tokenEndpoint: 'https://as.example/token' } }],
    ['an authorization endpoint', { auth: { ...OAUTH, authorizationEndpoint: 'https://as.example/a' } }],
    ['a revocation endpoint', { auth: { ...OAUTH, revocationEndpoint: 'https://as.example/revoke' } }],
    ['a resource', { auth: { ...OAUTH, resource: 'omit' } }],
    ['another kind of authorization', { auth: { type: 'bearer', token: 't' } }],
  ])('rises with %s', async (_what, registration) => {
    expect(await revisions(registration)).toBeGreaterThan(0);
  });

  test('never comes back: not with the former registration, not after a deletion', async () => {
    const seen = new Set<number>();
    for (const url of [URL_1, 'https://other.example/mcp', URL_1]) {
      seen.add((await put({ url })).server.revision);
    }
    await servers.remove(id);
    seen.add((await put({ url: URL_1 })).server.revision);

    expect(seen.size).toBe(4);
  });
});

describe('the query of a URL, which may hold keys,', () => {
  const KEYED = `${URL_1}?api_key=secret-in-the-query&keyless-secret&v=1`;
  const rowOf = async () =>
    (await pool.query('SELECT url, secret_jwe, url_query_names FROM mcp_server WHERE id = $1', [id])).rows[0];
  const addressNow = async () => {
    const server = await servers.find(id);
    const opened = await openServerSecrets(vault, id, (await rowOf()).secret_jwe);
    if (server === undefined || opened.kind !== 'opened') throw new Error('not to be read');
    return addressOf(server, opened.secrets);
  };

  test('is sealed: neither the row nor what is shown holds it', async () => {
    const { server } = await put({ url: KEYED });

    const row = await rowOf();
    expect(row).toMatchObject({ url: URL_1, url_query_names: ['api_key', '', 'v'] });
    expect(JSON.stringify([row, server, await servers.list()])).not.toContain('secret-in');
    expect(JSON.stringify([row, server])).not.toContain('keyless-secret');
    expect(server).toMatchObject({ url: URL_1, queryNames: ['api_key', '', 'v'] });
    expect(await addressNow()).toBe(KEYED);
  });

  test('raises the revision when it changes, and only then', async () => {
    const first = (await put({ url: KEYED })).server.revision;
    expect((await put({ url: KEYED })).server.revision).toBe(first);
    const second = (await put({ url: `${URL_1}?api_key=another` })).server.revision;
    expect(second).not.toBe(first);
    expect((await put({ url: URL_1 })).server.revision).not.toBe(second);
  });

  test('of a registration from before is used and not shown, and sealed with the next one', async () => {
    await put({ url: URL_1 });
    await pool.query('UPDATE mcp_server SET url = $2 WHERE id = $1', [id, KEYED]);

    expect(await addressNow()).toBe(KEYED);
    const before = await servers.find(id);
    expect(before).toMatchObject({ url: URL_1, queryNames: ['api_key', '', 'v'] });

    expect((await put({ url: KEYED })).server.revision).toBe(before?.revision);
    expect((await rowOf()).url).toBe(URL_1);
    expect(await addressNow()).toBe(KEYED);
  });
});
