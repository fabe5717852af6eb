import { expect, onTestFinished } from 'vitest';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import { answerTo, headingOf } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { startScriptedAuthorizationServer, tokens } from './scripted-authorization-server.ts';

const URL_OF_SERVER = 'http://127.0.0.1:9/mcp';

/** What a registration says, and what the authorization and the token request then have. */
const test = connectTest.extend('requestsWith', ({ fixture, server }) => async (auth: object) => {
  const id = await fixture.register(
    { authorizationServer: server.issuer, ...auth },
    `${URL_OF_SERVER}?key=secret`,
  );
  const browser = fixture.browser();
  const away = await fixture.press(browser, (await fixture.link(id)).url);
  expect(headingOf(await fixture.comeBack(browser, answerTo(away, server)))).toBe('Connected to The Ledger');
  return {
    sent: away.searchParams,
    exchanged: server.tokenRequests()[0],
    stored: await fixture.grant('alice', id),
  };
});

test('the grant names its issuer, so that refreshes go to no other one', async ({ requestsWith, server }) => {
  expect((await requestsWith({})).stored?.grant.issuer).toBe(server.issuer);
});

test.for<[string, object, string | null]>([
  ["the server's URL, without its query", {}, URL_OF_SERVER],
  ['what is registered, byte for byte', { resource: 'https://mcp.example/' }, 'https://mcp.example/'],
  ['nothing where the registration says so', { resource: 'omit' }, null],
])('`resource` is %s, in both requests and in the grant', async ([, auth, resource], { requestsWith }) => {
  const { sent, exchanged, stored } = await requestsWith(auth);
  expect(sent.get('resource')).toBe(resource);
  expect(exchanged?.get('resource')).toBe(resource);
  expect(stored?.grant.resource).toBe(resource ?? undefined);
});

test('no request has the query of the registered URL, also if the metadata name it', async ({
  fixture,
  server,
}) => {
  const mcp = await startLoopbackHttpServer();
  onTestFinished(() => mcp.close());
  mcp.http.on('request', (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', mcp.origin);
    const isMetadata = pathname === '/.well-known/oauth-protected-resource/mcp';
    const resource = `${mcp.origin}/mcp${search}`;
    response.writeHead(isMetadata ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ resource, authorization_servers: [server.issuer] }));
  });
  const id = await fixture.register({}, `${mcp.origin}/mcp?key=s3cret`);

  const away = await fixture.press(fixture.browser(), (await fixture.link(id)).url);

  expect(away.searchParams.get('resource')).toBe(`${mcp.origin}/mcp`);
  expect(away.href).not.toContain('s3cret');
});

test('the parameters of the registration are sent, and those of the protocol win', async ({
  requestsWith,
}) => {
  const { sent } = await requestsWith({
    authorizationParams: { access_type: 'offline', prompt: 'select_account' },
  });
  expect(sent.get('access_type')).toBe('offline');
  expect(sent.get('prompt')).toBe('select_account');
  expect(sent.get('response_type')).toBe('code');
});

test('the scopes that the answer grants are stored, else those that were asked for', async ({
  requestsWith,
  server,
}) => {
  expect((await requestsWith({ scopes: 'a b' })).stored).toMatchObject({ scopes: 'a b' });
  server.answer('/token', tokens({ scope: 'a' }));
  expect((await requestsWith({ scopes: 'a b' })).stored).toMatchObject({ scopes: 'a' });
  // As GitHub separates them.
  server.answer('/token', tokens({ scope: 'a,c' }));
  expect((await requestsWith({ scopes: 'a b' })).stored).toMatchObject({ scopes: 'a c' });
});

test('a grant keeps what was requested, and its refreshes repeat no scopes', async ({
  requestsWith,
  server,
}) => {
  server.answer('/token', tokens({ scope: 'a' }));
  const { stored } = await requestsWith({ scopes: 'a b' });
  expect(stored?.grant).toMatchObject({ requestedScopes: 'a b' });
  expect(stored?.grant).not.toHaveProperty('scopes');
});

test('the scopes that the MCP server supports are asked for, also of a registered authorization server', async ({
  fixture,
  server,
}) => {
  const mcp = await startLoopbackHttpServer();
  const url = `${mcp.origin}/mcp`;
  const metadata = { resource: url, authorization_servers: [], scopes_supported: ['x', 'y'] };
  mcp.http.on('request', (request, response) => {
    request.resume();
    const isMetadata = request.url === '/.well-known/oauth-protected-resource/mcp';
    response.writeHead(isMetadata ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isMetadata ? metadata : {}));
  });
  const scopeOf = async (auth: object) => {
    const id = await fixture.register({ authorizationServer: server.issuer, ...auth }, url);
    const away = await fixture.press(fixture.browser(), (await fixture.link(id)).url);
    expect(away.origin).toBe(server.issuer);
    return away.searchParams.get('scope');
  };
  const asked = [await scopeOf({}), await scopeOf({ scopes: 'z' })];
  await mcp.close();
  expect(asked).toEqual(['x y', 'z']);
});

test('offline_access is asked for where it is announced, with the consent that it needs', async ({
  fixture,
}) => {
  const server = await startScriptedAuthorizationServer({ scopes_supported: ['offline_access', 'x'] });
  const id = await fixture.register({ authorizationServer: server.issuer, scopes: 'x' });
  const away = await fixture.press(fixture.browser(), (await fixture.link(id)).url);
  await server.stop();
  expect(away.searchParams.get('scope')).toBe('x offline_access');
  expect(away.searchParams.get('prompt')).toBe('consent');
});

test('every request has another state, verifier and nonce', async ({ fixture, server }) => {
  const id = await fixture.register({ authorizationServer: server.issuer, scopes: 'openid' });
  const link = await fixture.link(id);
  const browser = fixture.browser();
  const requests = [await fixture.press(browser, link.url), await fixture.press(browser, link.url)];
  for (const name of ['state', 'code_challenge', 'nonce']) {
    expect(new Set(requests.map((url) => url.searchParams.get(name))).size).toBe(2);
  }
});
