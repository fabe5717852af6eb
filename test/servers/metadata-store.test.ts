import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import { createMetadataStore } from '../../src/servers/metadata-store.ts';
import {
  json,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const ID = 'x'.repeat(43);

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 3, onIdleError: () => {} });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('DELETE FROM mcp_authorization_server_metadata');
});

const rows = async () =>
  (await pool.query<{ text: string }>('SELECT m::text AS text FROM mcp_authorization_server_metadata m'))
    .rows;
const expire = () => pool.query('UPDATE mcp_authorization_server_metadata SET expires_at = now()');

describe('the store', () => {
  test('returns what was put last, with the time that is left', async () => {
    const store = createMetadataStore(pool);
    await store.put(ID, { a: 1 }, 1_000);

    await store.put(ID, { a: 2 }, 60_000);

    const found = await store.find(ID);
    expect(found?.content).toEqual({ a: 2 });
    expect(found?.expiresInMs).toBeGreaterThan(50_000);
    expect(found?.expiresInMs).toBeLessThanOrEqual(60_000);
  });

  test('returns nothing that has expired, and deletes it with the next write', async () => {
    const store = createMetadataStore(pool);
    await store.put(ID, {}, 60_000);
    await expire();

    expect(await store.find(ID)).toBeUndefined();
    await store.put('y'.repeat(43), {}, 60_000);

    expect(await rows()).toHaveLength(1);
  });
});

describe('what one process has found', () => {
  const OAUTH = '/.well-known/oauth-authorization-server';
  const CUSTOM = '/custom.json';
  let server: ScriptedTokenEndpoint;

  beforeEach(async () => {
    server = await startScriptedTokenEndpoint();
    server.answer(json(200, { issuer: server.origin, token_endpoint: server.url }), OAUTH);
    return () => server.stop();
  });

  function newProcess() {
    const network = createGuardedFetch({ policy: 'development' });
    onTestFinished(() => network.close(0));
    return createAuthorizationServerLookup(network.fetch, () => false, createMetadataStore(pool));
  }
  const mcpServer = (query = '') => ({ url: `${server.origin}/mcp${query}`, auth: { type: 'oauth2' } });

  test('is known to the others until it expires', async () => {
    const found = await newProcess().ofIssuer(server.origin, 'user');
    expect(found.kind).toBe('found');
    expect(await newProcess().ofIssuer(server.origin, 'user')).toEqual(found);
    expect(server.seen).toHaveLength(1);

    await expire();
    expect(await newProcess().ofIssuer(server.origin, 'user')).toEqual(found);

    expect(server.seen).toHaveLength(2);
  });

  test('is where the challenge has led it, also when the metadata have expired', async () => {
    const resource = { resource: mcpServer().url, authorization_servers: [server.origin] };
    server.answer(json(200, resource), CUSTOM);
    const found = await newProcess().ofMcpServer(mcpServer(), {
      resourceMetadataUrl: server.origin + CUSTOM,
    });
    await pool.query(`UPDATE mcp_authorization_server_metadata SET expires_at = now()
      WHERE expires_at < now() + interval '1 day'`);

    expect(found.kind).toBe('found');
    expect(await newProcess().ofMcpServer(mcpServer())).toEqual(found);
  });

  test('is not stored where its address has a query, which may hold a key', async () => {
    const url = mcpServer('?key=secret-1').url;
    const resource = { resource: url, authorization_servers: [server.origin] };
    server.answer(json(200, resource), CUSTOM);
    const authorizationServers = newProcess();
    const options = { resourceMetadataUrl: server.origin + CUSTOM };

    await authorizationServers.ofMcpServer(mcpServer('?key=secret-1'), options);

    // The metadata of the issuer alone.
    expect(await rows()).toHaveLength(1);
    expect(JSON.stringify(await rows())).not.toContain('secret-1');
  });

  test('is found without the database', async () => {
    const broken = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => {} });
    await broken.end();
    const network = createGuardedFetch({ policy: 'development' });
    onTestFinished(() => network.close(0));
    const lookup = createAuthorizationServerLookup(network.fetch, () => false, createMetadataStore(broken));

    expect(await lookup.ofIssuer(server.origin, 'user')).toMatchObject({ kind: 'found' });
    expect(await lookup.ofIssuer(server.origin, 'user')).toMatchObject({ kind: 'found' });

    expect(server.seen).toHaveLength(1);
  });

  test('is asked for by two processes at once, and both find it', async () => {
    const found = await Promise.all(
      Array.from({ length: 10 }, () => newProcess().ofMcpServer(mcpServer(), {})),
    );

    for (const one of found) expect(one).toMatchObject({ metadata: { issuer: server.origin } });
  });
});
