import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type GuardedFetch, NetworkError } from '../../src/net/network.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import {
  json,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { lookup } from './lookup.ts';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';
const RESOURCE = '/.well-known/oauth-protected-resource/mcp';
const ROOT = '/.well-known/oauth-protected-resource';
const MISCONFIGURED = { kind: 'misconfigured', message: expect.any(String) };

let server: ScriptedTokenEndpoint;
let metadata: Record<string, unknown>;

beforeEach(async () => {
  server = await startScriptedTokenEndpoint();
  metadata = { issuer: server.origin, token_endpoint: server.url };
  return () => server.stop();
});

const mcpServer = (auth: object = {}) => ({ url: `${server.origin}/mcp`, auth: { type: 'oauth2', ...auth } });
const resource = (changes: object = {}) => ({
  resource: `${server.origin}/mcp`,
  authorization_servers: [server.origin],
  ...changes,
});
const foundMetadata = (more: object = {}) => ({
  issuer: server.origin,
  tokenEndpoint: server.url,
  addressFrom: 'user',
  announcesIss: false,
  supportsClientIdMetadataDocument: false,
  source: 'metadata',
  ...more,
});
const found = (more: object = {}, named = `${server.origin}/mcp`) => ({
  kind: 'found',
  metadata: foundMetadata(more),
  resource: { resource: named },
});
const pathsAsked = () => server.seen.map(({ path }) => path);

test('is the one that an admin named, and the MCP server is not asked', async () => {
  server.answer(json(200, metadata), OAUTH);

  const outcome = await lookup().ofMcpServer(mcpServer({ authorizationServer: server.origin }));

  expect(outcome).toEqual({ kind: 'found', metadata: foundMetadata({ addressFrom: 'admin' }) });
  expect(pathsAsked()).toEqual([OAUTH]);
});

test('is the one that its resource metadata names, at an address that users may name', async () => {
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource({ scopes_supported: ['a', 'b', 7] })), RESOURCE);
  const authorizationServers = lookup();

  expect(await authorizationServers.ofMcpServer(mcpServer())).toEqual({
    ...found(),
    resource: { resource: `${server.origin}/mcp`, scopesSupported: ['a', 'b'] },
  });
  await authorizationServers.ofMcpServer(mcpServer());

  expect(pathsAsked()).toEqual([RESOURCE, OAUTH]);
});

test('is asked for again where the known answer is not wanted', async () => {
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource()), RESOURCE);
  const authorizationServers = lookup();
  await authorizationServers.ofMcpServer(mcpServer());

  await authorizationServers.ofMcpServer(mcpServer(), { skipCache: true });

  expect(pathsAsked()).toEqual([RESOURCE, OAUTH, RESOURCE, OAUTH]);
});

test.each([
  ['another resource', { resource: 'https://other.example/mcp' }],
  ['no resource', { resource: undefined }],
  ['no authorization server', { authorization_servers: [] }],
  ['no list of authorization servers', { authorization_servers: 'as.example' }],
  ['an authorization server that is no text', { authorization_servers: [42] }],
])('is unknown where the resource metadata name %s', async (_what, changes) => {
  server.answer(json(200, resource(changes)), RESOURCE);

  expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
});

test.each([
  ['no JSON', raw(200, 'hello')],
  ['a list', json(200, [])],
  ['null', json(200, null)],
  ['a redirect', raw(302, '', { location: ROOT })],
])('is unknown where the resource metadata are %s', async (_what, reply) => {
  server.answer(reply, RESOURCE);

  expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
  expect(pathsAsked()).toEqual([RESOURCE]);
});

describe.each([401, 403, 404, 400, 405, 410])('where the path form is answered %i', (status) => {
  beforeEach(() => {
    server.answer(raw(status, 'no'), RESOURCE);
    server.answer(json(200, metadata), OAUTH);
  });

  test.each([
    ['the MCP server', () => `${server.origin}/mcp`],
    ['the origin', () => server.origin],
    ['the origin with a slash', () => `${server.origin}/`],
  ])('is the one of the root form that names %s', async (_whom, named) => {
    server.answer(json(200, resource({ resource: named() })), ROOT);

    expect(await lookup().ofMcpServer(mcpServer())).toEqual(found({}, named()));

    expect(pathsAsked()).toEqual([RESOURCE, ROOT, OAUTH]);
  });

  test.each(['/other', '/mcp/', '/mc'])('is unknown where the root form names %s', async (path) => {
    server.answer(json(200, resource({ resource: `${server.origin}${path}` })), ROOT);

    expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
  });

  test('is looked for again when the root form was unavailable', async () => {
    server.answer(raw(503, ''), ROOT);

    expect(await lookup().ofMcpServer(mcpServer())).toMatchObject({ kind: 'unavailable' });
  });
});

test('of the path form must name more than the origin', async () => {
  server.answer(json(200, resource({ resource: server.origin })), RESOURCE);

  expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
  expect(pathsAsked()).toEqual([RESOURCE]);
});

test.each(['', '/'])('at the root of its host is named with or without a slash: "%s"', async (slash) => {
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource({ resource: `${server.origin}${slash}` })), ROOT);
  for (const url of [server.origin, `${server.origin}/`]) {
    const outcome = await lookup().ofMcpServer({ ...mcpServer(), url });
    expect(outcome).toEqual(found({}, `${server.origin}${slash}`));
  }
});

test('of a URL with a query may be named without it: the query may hold a key', async () => {
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource()), `${RESOURCE}?key=k1`);

  const outcome = await lookup().ofMcpServer({ ...mcpServer(), url: `${server.origin}/mcp?key=k1` });

  expect(outcome).toEqual(found());
});

test('of a URL with a query is passed on without it: the browser would see the key', async () => {
  const url = `${server.origin}/mcp?key=k1`;
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource({ resource: url })), `${RESOURCE}?key=k1`);

  expect(await lookup().ofMcpServer({ ...mcpServer(), url })).toEqual(found());
});

test('is looked for again when the MCP server was down', async () => {
  const authorizationServers = lookup();
  server.answer(raw(502, ''), RESOURCE);
  const outcome = await authorizationServers.ofMcpServer(mcpServer());
  expect(outcome).toEqual({ kind: 'unavailable', cause: 'metadata-http-502' });
  server.answer(json(200, metadata), OAUTH);
  server.answer(json(200, resource()), RESOURCE);

  expect(await authorizationServers.ofMcpServer(mcpServer())).toEqual(found());
});

describe('of a challenge', () => {
  const CUSTOM = '/metadata/of-mcp.json';

  beforeEach(() => server.answer(json(200, metadata), OAUTH));

  test('is asked for first', async () => {
    server.answer(json(200, resource()), CUSTOM);
    const options = { resourceMetadataUrl: server.origin + CUSTOM };

    expect(await lookup().ofMcpServer(mcpServer(), options)).toEqual(found());

    expect(pathsAsked()).toEqual([CUSTOM, OAUTH]);
  });

  test('is remembered, so that a renewal finds the same', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    server.answer(json(200, resource()), CUSTOM);
    const authorizationServers = lookup();
    await authorizationServers.ofMcpServer(mcpServer(), { resourceMetadataUrl: server.origin + CUSTOM });

    expect(await authorizationServers.ofMcpServer(mcpServer())).toEqual(found());

    expect(pathsAsked()).toEqual([CUSTOM, OAUTH]);
  });

  test('is remembered in place of the one of an earlier challenge', async () => {
    server.answer(json(200, resource({ resource: `${server.origin}/mcp` })), CUSTOM);
    server.answer(json(200, resource({ scopes_supported: ['moved'] })), RESOURCE);
    const moved = { resource: { scopesSupported: ['moved'] } };
    for (const resourceMetadataUrl of [server.origin + RESOURCE, null]) {
      const authorizationServers = lookup();
      await authorizationServers.ofMcpServer(mcpServer(), { resourceMetadataUrl: server.origin + CUSTOM });
      expect(await authorizationServers.ofMcpServer(mcpServer())).toEqual(found());

      expect(await authorizationServers.ofMcpServer(mcpServer(), { resourceMetadataUrl })).toMatchObject(
        moved,
      );

      expect(await authorizationServers.ofMcpServer(mcpServer())).toMatchObject(moved);
    }
  });

  test('must be about the MCP server, not about its origin alone', async () => {
    for (const named of ['https://other.example/mcp', server.origin]) {
      server.answer(json(200, resource({ resource: named })), CUSTOM);
      const options = { resourceMetadataUrl: server.origin + CUSTOM };
      expect(await lookup().ofMcpServer(mcpServer(), options)).toMatchObject(MISCONFIGURED);
    }
  });

  test('is followed by the well-known places where it is refused', async () => {
    server.answer(json(200, resource()), RESOURCE);
    const options = { resourceMetadataUrl: server.origin + CUSTOM };

    expect(await lookup().ofMcpServer(mcpServer(), options)).toEqual(found());

    expect(pathsAsked()).toEqual([CUSTOM, RESOURCE, OAUTH]);
  });

  test('may be at another origin that users may name', async () => {
    const other = await startScriptedTokenEndpoint();
    onTestFinished(() => other.stop());
    other.answer(json(200, resource()), CUSTOM);
    const options = { resourceMetadataUrl: other.origin + CUSTOM };

    expect(await lookup().ofMcpServer(mcpServer(), options)).toEqual(found());
  });

  test.each([
    'http://169.254.169.254/latest',
    'http://10.0.0.1/metadata',
    'file:///etc/passwd',
    'https://u:p@as.example/',
    'javascript:alert(1)',
    '/relative',
    '',
  ])('is never asked for at %s', async (resourceMetadataUrl) => {
    server.answer(json(200, resource()), RESOURCE);

    expect(await lookup().ofMcpServer(mcpServer(), { resourceMetadataUrl })).toEqual(found());

    expect(pathsAsked()).toEqual([RESOURCE, OAUTH]);
  });
});

describe('of several authorization servers', () => {
  const issuers = () => ['/first', '/second', '/third'].map((path) => server.origin + path);

  beforeEach(() => server.answer(json(200, resource({ authorization_servers: issuers() })), RESOURCE));

  test('is the first with usable metadata', async () => {
    const [, second = ''] = issuers();
    server.answer(json(200, { ...metadata, issuer: 'https://evil.example' }), `${OAUTH}/first`);
    server.answer(json(200, { ...metadata, issuer: second }), `${OAUTH}/second`);

    expect(await lookup().ofMcpServer(mcpServer())).toEqual(found({ issuer: second }));
  });

  test('is not another one while the first is down: its grants are of no use there', async () => {
    const [, second = ''] = issuers();
    server.answer(raw(503, ''), `${OAUTH}/first`);
    server.answer(json(200, { ...metadata, issuer: second }), `${OAUTH}/second`);

    expect(await lookup().ofMcpServer(mcpServer())).toEqual({
      kind: 'unavailable',
      cause: 'metadata-http-503',
    });
  });

  test('is none where no metadata are usable', async () => {
    expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
  });
});

// https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization
describe('of MCP 2025-03-26, which knows no resource metadata,', () => {
  test('is the origin of the MCP server', async () => {
    server.answer(json(200, { ...metadata, authorization_endpoint: `${server.origin}/a` }), OAUTH);

    expect(await lookup().ofMcpServer(mcpServer())).toEqual({
      kind: 'found',
      metadata: foundMetadata({ authorizationEndpoint: `${server.origin}/a` }),
    });
    expect(pathsAsked()).toEqual([RESOURCE, ROOT, OAUTH]);
  });

  test('is at its default endpoints without metadata', async () => {
    const authorizationServers = lookup();

    expect(await authorizationServers.ofMcpServer(mcpServer())).toEqual({
      kind: 'found',
      metadata: {
        issuer: server.origin,
        authorizationEndpoint: `${server.origin}/authorize`,
        tokenEndpoint: `${server.origin}/token`,
        registrationEndpoint: `${server.origin}/register`,
        announcesIss: false,
        supportsClientIdMetadataDocument: false,
        addressFrom: 'user',
        source: 'defaults',
      },
    });
    expect(pathsAsked()).toEqual([RESOURCE, ROOT, OAUTH, OPENID]);
    // A guess is not kept.
    server.answer(json(200, metadata), OAUTH);
    expect(await authorizationServers.ofMcpServer(mcpServer())).toMatchObject({
      metadata: { source: 'metadata' },
    });
  });

  test('must be registered by an admin where users may not point', async () => {
    const guardedFetch: GuardedFetch = async (_url, { addressFrom }) => {
      if (addressFrom === 'user') throw new NetworkError('address-refused', false);
      return new Response('', { status: 404 });
    };

    const outcome = await createAuthorizationServerLookup(guardedFetch).ofMcpServer(mcpServer());

    expect(outcome).toEqual({
      kind: 'misconfigured',
      message: expect.stringContaining('register its authorizationServer'),
    });
  });

  test('is unknown where its metadata name another issuer', async () => {
    server.answer(json(200, { ...metadata, issuer: 'https://evil.example' }), OAUTH);

    expect(await lookup().ofMcpServer(mcpServer())).toMatchObject(MISCONFIGURED);
  });

  test('is looked for again after an outage', async () => {
    server.answer(raw(503, ''), OAUTH);

    expect(await lookup().ofMcpServer(mcpServer())).toMatchObject({ kind: 'unavailable' });
  });
});

describe('endpoints that an admin registered', () => {
  const REGISTERED = {
    authorizationEndpoint: 'https://as.example/authorize',
    tokenEndpoint: 'https://as.example/token',
    revocationEndpoint: 'https://as.example/revoke',
  };

  const UNKNOWN_ISSUER = { issuer: REGISTERED.tokenEndpoint, isIssuerKnown: false };

  test('are enough where there are no metadata', async () => {
    const issuer = `${server.origin}/tenant`;
    const authorizationServers = lookup();
    const one = mcpServer({ ...REGISTERED, authorizationServer: issuer });
    const expected = {
      kind: 'found',
      metadata: foundMetadata({ ...REGISTERED, issuer, addressFrom: 'admin', source: 'registration' }),
    };

    expect(await authorizationServers.ofMcpServer(one)).toEqual(expected);
    server.seen.length = 0;
    expect(await authorizationServers.ofMcpServer(one)).toEqual(expected);
    expect(server.seen).toEqual([]);
  });

  test('are enough where the MCP server names an authorization server without metadata', async () => {
    const issuer = `${server.origin}/login/oauth`;
    server.answer(json(200, resource({ authorization_servers: [issuer] })), RESOURCE);

    expect(await lookup().ofMcpServer(mcpServer(REGISTERED))).toEqual({
      kind: 'found',
      metadata: foundMetadata({
        ...REGISTERED,
        ...UNKNOWN_ISSUER,
        addressFrom: 'admin',
        source: 'registration',
      }),
      resource: { resource: `${server.origin}/mcp` },
    });
  });

  test('replace the defaults of MCP 2025-03-26 as a whole', async () => {
    const { tokenEndpoint } = REGISTERED;

    const outcome = await lookup().ofMcpServer(mcpServer({ tokenEndpoint }));

    expect(outcome).toEqual({
      kind: 'found',
      metadata: foundMetadata({
        tokenEndpoint,
        ...UNKNOWN_ISSUER,
        addressFrom: 'admin',
        source: 'registration',
      }),
    });
  });

  test('are enough for a grant while the metadata can not be had, and that is not kept', async () => {
    const { tokenEndpoint } = REGISTERED;
    const grant = { tokenEndpoint };
    const authorizationServers = lookup();
    const expectOutage = async () => {
      expect(await authorizationServers.ofMcpServer(mcpServer(REGISTERED), { grant })).toMatchObject({
        metadata: { tokenEndpoint, source: 'registration' },
      });
      // Only metadata say whether responses have `iss`, and the redirect URI depends on that.
      for (const [auth, options] of [[REGISTERED], [{ tokenEndpoint }, { grant }]] as const) {
        expect(await authorizationServers.ofMcpServer(mcpServer(auth), options)).toMatchObject({
          kind: 'unavailable',
        });
      }
    };
    server.answer(raw(503, ''), RESOURCE);
    await expectOutage();
    server.answer(json(200, resource()), RESOURCE);
    server.answer(raw(503, ''), OAUTH);
    await expectOutage();
    server.answer(json(200, { ...metadata, authorization_response_iss_parameter_supported: true }), OAUTH);
    expect(await authorizationServers.ofMcpServer(mcpServer(REGISTERED))).toMatchObject({
      metadata: { announcesIss: true },
    });
  });

  test('win over the metadata, whose other facts stay', async () => {
    const own = {
      revocation_endpoint: `${server.origin}/revoke`,
      registration_endpoint: `${server.origin}/register`,
      token_endpoint_auth_methods_supported: ['none'],
    };
    server.answer(json(200, { ...metadata, ...own }), OAUTH);
    const registered = { tokenEndpoint: `${server.origin}/other`, authorizationServer: server.origin };

    expect(await lookup().ofMcpServer(mcpServer(registered))).toEqual({
      kind: 'found',
      metadata: foundMetadata({
        tokenEndpoint: `${server.origin}/other`,
        revocationEndpoint: `${server.origin}/revoke`,
        registrationEndpoint: `${server.origin}/register`,
        authMethods: ['none'],
        authMethod: 'none',
        addressFrom: 'admin',
      }),
    });
  });

  test('do not vouch for other hosts that only the MCP server leads to', async () => {
    const own = {
      revocation_endpoint: 'http://10.0.0.1/revoke',
      registration_endpoint: 'http://10.0.0.1/register',
      userinfo_endpoint: 'http://10.0.0.1/me',
    };
    server.answer(json(200, resource()), RESOURCE);
    server.answer(json(200, { ...metadata, ...own }), OAUTH);
    const { tokenEndpoint } = REGISTERED;

    const outcome = await lookup().ofMcpServer(mcpServer({ tokenEndpoint }));

    expect(outcome).toEqual(found({ tokenEndpoint, addressFrom: 'admin' }));
  });
});
