import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startAuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import {
  cut,
  json,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  trickle,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { lookup } from './lookup.ts';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';

let server: ScriptedTokenEndpoint;
let metadata: Record<string, unknown>;

beforeEach(async () => {
  server = await startScriptedTokenEndpoint();
  metadata = { issuer: server.origin, token_endpoint: server.url };
  return () => server.stop();
});

const found = (more: object = {}) => ({
  kind: 'found',
  metadata: {
    issuer: server.origin,
    tokenEndpoint: server.url,
    addressFrom: 'user',
    announcesIss: false,
    supportsClientIdMetadataDocument: false,
    source: 'metadata',
    ...more,
  },
});
const pathsAsked = () => server.seen.map(({ path }) => path);
/** A refresh there would be recorded as begun and could not be sent. */
const UNUSABLE = [
  'file:///etc/passwd',
  'ftp://as.example/token',
  'data:application/json,{}',
  'javascript:alert(1)',
  'ws://as.example/token',
  'https:as.example/token',
  'https://as.example\\token',
  'https://user@as.example/token',
  'https://as.example/token#a',
  'http://10.0.0.1/token',
  'http://169.254.169.254/token',
  'https://[fd00:ec2::23]/token',
];
const MISCONFIGURED = { kind: 'misconfigured', message: expect.any(String) };

describe('the metadata of an issuer', () => {
  test('are found at a real authorization server', async () => {
    const real = await startAuthorizationServer();
    onTestFinished(() => real.stop());

    expect(await lookup().ofIssuer(real.issuer, 'admin')).toEqual({
      kind: 'found',
      metadata: {
        issuer: real.issuer,
        tokenEndpoint: real.tokenEndpoint,
        authorizationEndpoint: real.authorizationEndpoint,
        registrationEndpoint: real.registrationEndpoint,
        revocationEndpoint: real.revocationEndpoint,
        userinfoEndpoint: `${real.issuer}/me`,
        authMethods: expect.arrayContaining(['client_secret_basic', 'none']),
        authMethod: 'client_secret_basic',
        scopesSupported: expect.arrayContaining(['mcp:tools']),
        codeChallengeMethods: ['S256'],
        announcesIss: true,
        supportsClientIdMetadataDocument: false,
        addressFrom: 'admin',
        source: 'metadata',
      },
    });
  });

  test('are found where RFC 8414 puts them: between host and path', async () => {
    server.answer(json(200, { ...metadata, issuer: `${server.origin}/tenant` }), `${OAUTH}/tenant`);

    const outcome = await lookup().ofIssuer(`${server.origin}/tenant`, 'user');

    expect(outcome).toEqual(found({ issuer: `${server.origin}/tenant` }));
    expect(pathsAsked()).toEqual([`${OAUTH}/tenant`]);
  });

  test.each([404, 400, 403, 405])('are looked for where OpenID puts them after a %i', async (status) => {
    server.answer(raw(status, ''), OAUTH);
    server.answer(json(200, metadata), OPENID);

    expect(await lookup().ofIssuer(server.origin, 'user')).toEqual(found());

    expect(pathsAsked()).toEqual([OAUTH, OPENID]);
  });

  test.each([404, 400, 401, 403, 405, 410])(
    'of an issuer with a path are looked for in the three places that MCP prescribes, after a %i each',
    async (status) => {
      const issuer = `${server.origin}/tenant`;
      const places = [`${OAUTH}/tenant`, `${OPENID}/tenant`, `/tenant${OPENID}`];
      for (const place of places) server.answer(raw(status, 'no'), place);
      expect(await lookup().ofIssuer(issuer, 'user')).toMatchObject(MISCONFIGURED);
      expect(pathsAsked()).toEqual(places);

      for (const [asked, place] of [...places.entries()].reverse()) {
        server.seen.length = 0;
        server.answer(json(200, { ...metadata, issuer }), place);
        expect(await lookup().ofIssuer(issuer, 'user')).toEqual(found({ issuer }));
        expect(pathsAsked()).toEqual(places.slice(0, asked + 1));
      }
    },
  );

  test('of an issuer whose path looks like a host are requested only from the issuer', async () => {
    await lookup().ofIssuer(`${server.origin}//127.0.0.1:1/tenant/`, 'user');

    expect(pathsAsked()).toEqual([
      `${OAUTH}//127.0.0.1:1/tenant`,
      `${OPENID}//127.0.0.1:1/tenant`,
      `//127.0.0.1:1/tenant${OPENID}`,
    ]);
  });

  test('are not looked for elsewhere after an answer that is not a refusal', async () => {
    server.answer(raw(429, ''), `${OAUTH}/tenant`);

    const outcome = await lookup().ofIssuer(`${server.origin}/tenant`, 'user');

    expect(outcome).toEqual({ kind: 'unavailable', cause: 'metadata-http-429' });
    expect(pathsAsked()).toEqual([`${OAUTH}/tenant`]);
  });

  test('may name an issuer with or without a slash at the end of its host', async () => {
    server.answer(json(200, { ...metadata, issuer: `${server.origin}/` }), OAUTH);

    const outcome = await lookup().ofIssuer(server.origin, 'user');

    expect(outcome).toMatchObject({ kind: 'found' });
  });

  test.each([
    ['another issuer', { issuer: 'https://as.example' }],
    ['no issuer', { issuer: undefined }],
    ['no token endpoint', { token_endpoint: undefined }],
    ['a token endpoint that is no address', { token_endpoint: 'token' }],
    ...UNUSABLE.map((url) => [`the token endpoint ${url}`, { token_endpoint: url }] as [string, object]),
    ['a token endpoint that is no text', { token_endpoint: { url: 'https://as.example' } }],
  ])('with %s are not valid', async (_what, changes) => {
    server.answer(json(200, { ...metadata, ...changes }), OAUTH);

    expect(await lookup().ofIssuer(server.origin, 'user')).toMatchObject(MISCONFIGURED);
  });

  test.each([
    ['no JSON', raw(200, 'hello', { 'content-type': 'application/json' })],
    ['HTML', raw(200, '<html>', { 'content-type': 'text/html' })],
    ['an array', json(200, [])],
    ['null', json(200, null)],
    ['a redirect', raw(302, '', { location: OPENID })],
    ['a megabyte', json(200, { padding: 'x'.repeat(1_000_000) })],
  ])('that are %s are not valid', async (_what, reply) => {
    server.answer(reply, OAUTH);
    server.answer(json(200, metadata), OPENID);

    expect(await lookup().ofIssuer(server.origin, 'user')).toMatchObject(MISCONFIGURED);

    expect(pathsAsked()).toEqual([OAUTH]);
  });

  test.each(['nonsense', 'ftp://as.example', 'https://me:secret@as.example'])(
    'of %s are not looked for',
    async (issuer) => {
      expect(await lookup().ofIssuer(issuer, 'admin')).toMatchObject(MISCONFIGURED);
    },
  );

  test('are not looked for at addresses that their source may not name', async () => {
    server.answer(json(200, metadata), OAUTH);

    expect(await lookup('public').ofIssuer(server.origin, 'user')).toMatchObject(MISCONFIGURED);
    const privateAddress = await lookup().ofIssuer('http://10.255.255.1', 'user');
    expect(privateAddress).toEqual({ kind: 'unavailable', cause: 'metadata-address-refused' });

    expect(server.seen).toEqual([]);
  });
});

describe('what is known', () => {
  test('is not asked for again for ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    server.answer(json(200, metadata), OAUTH);
    const authorizationServers = lookup();
    const look = () => authorizationServers.ofIssuer(server.origin, 'user');

    await look();
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await look()).toEqual(found());
    expect(server.seen).toHaveLength(1);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await look();

    expect(server.seen).toHaveLength(2);
  });

  test("from a user's address does not count for an admin's", async () => {
    server.answer(json(200, metadata), OAUTH);
    const authorizationServers = lookup();

    await authorizationServers.ofIssuer(server.origin, 'user');

    expect(await authorizationServers.ofIssuer(server.origin, 'admin')).toEqual(
      found({ addressFrom: 'admin' }),
    );
  });

  test.each([
    ['a 503', raw(503, '')],
    ['a 429', raw(429, '')],
    ['a connection cut before the answer', cut()],
    ['a connection cut in the middle of the answer', cut('{"issuer":')],
  ])('is not %s: the next look asks again', async (_what, reply) => {
    const authorizationServers = lookup();
    server.answer(reply, OAUTH);
    const outcome = await authorizationServers.ofIssuer(server.origin, 'user');
    expect(outcome).toEqual({ kind: 'unavailable', cause: expect.stringMatching(/^metadata-/) });
    server.answer(json(200, metadata), OAUTH);

    expect(await authorizationServers.ofIssuer(server.origin, 'user')).toEqual(found());
  });
});

test('an answer that trickles in is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  server.answer(trickle(), OAUTH);
  const looking = lookup().ofIssuer(server.origin, 'user');
  await server.arrived(1);

  for (let second = 0; second < 15; second += 1) await vi.advanceTimersByTimeAsync(1_000);

  expect(await looking).toMatchObject({ kind: 'unavailable' });
});
