import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import { probeAuthorization } from '../../../src/mcp/http/probe-authorization.ts';
import { createGuardedFetch } from '../../../src/net/guarded-fetch.ts';
import { createAuthorizationServerLookup } from '../../../src/oauth/discovery.ts';
import type { MetadataStore } from '../../../src/oauth/metadata-cache.ts';
import { createMetadataStore } from '../../../src/servers/metadata-store.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';
import { readRow, readVersions } from '../credential-row.ts';
import {
  json,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from './scripted-token-endpoint.ts';

const METADATA = '/.well-known/oauth-authorization-server';
const RESOURCE_METADATA = '/.well-known/oauth-protected-resource/mcp';
const CUSTOM = '/metadata/of-mcp.json';

let fixture: CredentialFixture;
let mcp: ScriptedTokenEndpoint;
let issuing: ScriptedTokenEndpoint;
let other: ScriptedTokenEndpoint;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  const started = await Promise.all([1, 2, 3].map(() => startScriptedTokenEndpoint()));
  [mcp, issuing, other] = started as [typeof mcp, typeof mcp, typeof mcp];
  for (const server of [issuing, other]) {
    server.answer(json(200, { issuer: server.origin, token_endpoint: server.url }), METADATA);
  }
  issuing.answer(tokens({ refresh_token: 'r2' }));
  other.answer(oauthError('invalid_grant'));
  return () => Promise.all(started.map((server) => server.stop()));
});

/** The look-up of a process that knows only what the others have stored. */
function newLookup(store: MetadataStore = createMetadataStore(fixture.pool)) {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  return createAuthorizationServerLookup(
    network.fetch,
    () => false,
    store,
    (target) => probeAuthorization(network.fetch, target, { clientVersion: '0.0.0-test' }),
  );
}

async function connected(deposit: object, query = ''): Promise<CredentialKey> {
  const auth = { type: 'oauth2', clientId: 'operator', clientSecret: 'the-secret' };
  const headers = { 'x-gateway': 'g1' };
  const key = fixture.newKey(await fixture.register({ url: `${mcp.origin}/mcp${query}`, auth, headers }));
  await fixture.deposit(key, {
    refreshToken: 'r1',
    accessToken: 'a1',
    tokenEndpoint: issuing.url,
    ...deposit,
  });
  return key;
}

async function renew(key: CredentialKey, authorizationServers = newLookup()): Promise<RenewalOutcome> {
  const { renewal } = fixture.anotherProcess({ authorizationServers });
  return renewal.renew(key, await readVersions(fixture.pool, key));
}

const names = (...servers: ScriptedTokenEndpoint[]) =>
  json(200, { resource: `${mcp.origin}/mcp`, authorization_servers: servers.map(({ origin }) => origin) });
const challenges = (path: string) =>
  raw(401, '', { 'www-authenticate': `Bearer resource_metadata="${mcp.origin}${path}"` });
const tokenRequests = (server: ScriptedTokenEndpoint) =>
  server.seen.filter(({ path }) => path === '/token').length;

describe('of several authorization servers that the MCP server names', () => {
  test.each([{}, { issuer: true }])(
    'no other one gets the grant while the metadata of its own are missing (%o)',
    async ({ issuer = false }) => {
      mcp.answer(names(issuing, other), RESOURCE_METADATA);
      const key = await connected(issuer ? { issuer: issuing.origin } : {});
      const usable = { issuer: issuing.origin, token_endpoint: issuing.url };
      issuing.answer(raw(404, ''), METADATA);
      // Another user connects meanwhile, and is sent on.
      const connecting = await newLookup().ofMcpServer({
        url: `${mcp.origin}/mcp`,
        auth: { type: 'oauth2' },
      });
      expect(connecting).toMatchObject({ metadata: { issuer: other.origin } });

      expect(await renew(key)).toMatchObject({ kind: 'unavailable', cause: 'metadata-absent' });
      expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
      issuing.answer(json(200, usable), METADATA);
      expect(await renew(key)).toMatchObject({ kind: 'renewed' });

      expect([tokenRequests(issuing), tokenRequests(other)]).toEqual([1, 0]);
    },
  );

  test('its issuer gets the grant, also if it is not the first', async () => {
    mcp.answer(names(other, issuing), RESOURCE_METADATA);

    expect(await renew(await connected({ issuer: `${issuing.origin}/` }))).toMatchObject({ kind: 'renewed' });

    expect([tokenRequests(issuing), tokenRequests(other)]).toEqual([1, 0]);
  });

  test('the one at its token endpoint gets a grant of an unknown issuer, if the first is no server', async () => {
    mcp.answer(names(other, issuing), RESOURCE_METADATA);
    other.answer(raw(404, ''), METADATA);

    expect(await renew(await connected({}))).toMatchObject({ kind: 'renewed' });
  });
});

describe('where only a challenge leads to the resource metadata, a renewal', () => {
  beforeEach(() => {
    mcp.answer(names(issuing), CUSTOM);
    mcp.answer(challenges(CUSTOM), '/mcp');
    mcp.answer(challenges(CUSTOM), '/mcp?key=k1');
  });

  test.each(['', '?key=k1'])(
    'asks the MCP server, with its headers, if nothing is known ("%s")',
    async (query) => {
      expect(await renew(await connected({}, query))).toMatchObject({ kind: 'renewed' });

      const probe = mcp.seen.find(({ path }) => path.startsWith('/mcp'));
      expect(probe?.headers['x-gateway']).toBe('g1');
    },
  );

  test('waits if the MCP server is down', async () => {
    mcp.answer(raw(503, ''), '/mcp');

    expect(await renew(await connected({}))).toMatchObject({ kind: 'unavailable', cause: 'probe-http-503' });
  });

  test('is misconfigured if there is no challenge', async () => {
    mcp.answer(raw(404, ''), '/mcp');

    expect(await renew(await connected({}))).toMatchObject({ kind: 'misconfigured' });
  });

  test('waits if the database can not say what is known', async () => {
    const find = async () => Promise.reject(new Error('down'));
    const store = { ...createMetadataStore(fixture.pool), find };

    const outcome = await renew(await connected({}), newLookup(store));

    expect(outcome).toMatchObject({ kind: 'unavailable', cause: 'metadata-store-failed' });
  });
});

describe('after the MCP server has moved to another authorization server, a renewal', () => {
  const party = () => ({ url: `${mcp.origin}/mcp`, auth: { type: 'oauth2' } });

  beforeEach(async () => {
    mcp.answer(names(other), CUSTOM);
    await newLookup().ofMcpServer(party(), { resourceMetadataUrl: mcp.origin + CUSTOM });
    mcp.answer(names(issuing), RESOURCE_METADATA);
  });

  test('goes to the one that connecting found', async () => {
    const renewing = newLookup();
    await renewing.ofMcpServer(party());
    const options = { resourceMetadataUrl: mcp.origin + RESOURCE_METADATA, skipCache: true };
    await newLookup().ofMcpServer(party(), options);

    expect(await renew(await connected({}), renewing)).toMatchObject({ kind: 'renewed' });

    expect(tokenRequests(other)).toBe(0);
  });

  test('of a grant whose issuer is not known there asks the MCP server', async () => {
    mcp.answer(challenges(RESOURCE_METADATA), '/mcp');

    expect(await renew(await connected({ issuer: issuing.origin }))).toMatchObject({ kind: 'renewed' });

    expect(tokenRequests(other)).toBe(0);
  });
});
