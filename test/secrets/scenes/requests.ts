import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { newText, type StoryFixture } from '../story-fixture.ts';
import { newStoryUser } from '../users.ts';

/** The servers of the story, with every secret that a registration can hold. */
export async function playAdmin({ world, api, registry }: StoryFixture): Promise<void> {
  const { url } = world.mcpServer;
  const { clientId = '', clientSecret = '' } = await world.users.consent('admin');
  registry.register("client's secret", clientSecret);
  const header = registry.register('header of a server', newText());
  const token = registry.register('token of a server', newText());
  // The address is no secret to admins, nor to the database; what fails at it is no reason to show it to others.
  const query = registry.register(
    'query of an address',
    newText(),
    /^database public\.mcp_server\.url$/,
    ADMINS,
  );
  const away = `http://127.0.0.1:9/mcp?key=${encodeURIComponent(query)}`;
  const servers = {
    operated: {
      url,
      auth: { type: 'oauth2', clientId, clientSecret, authorizationServer: world.authorizationServer.issuer },
    },
    bearer: { url, auth: { type: 'bearer', token }, headers: { 'X-Api-Key': header } },
    'bearer-refused': { url, auth: { type: 'bearer', token: `${token}2` } },
    away: { url: away, auth: { type: 'none' } },
    gone: { url, auth: { type: 'bearer', token } },
  };
  for (const [id, server] of Object.entries(servers)) await api.askAsAdmin(`PUT /mcp-servers/${id}`, server);
  await api.askAsAdmin('PUT /mcp-servers/bearer', { ...servers.bearer, title: 'Changed' });
  await api.askAsAdmin('GET /mcp-servers');
  await api.askAsAdmin('GET /mcp-servers/bearer');
  await api.askAsAdmin('DELETE /mcp-servers/gone');
  await playRefusedRegistrations({ api }, url, token);
}

const ADMINS = /^http answer to (GET|PUT) \/mcp-servers(\/away)?: body$/;

async function playRefusedRegistrations(
  { api }: Pick<StoryFixture, 'api'>,
  url: string,
  token: string,
): Promise<void> {
  const refused = [
    { url, auth: { type: 'bearer', token: `${token} with a space` } },
    { url, auth: { type: 'oauth2', clientSecret: token } },
    { url, auth: { type: token } },
    { url, auth: { type: 'none' }, headers: { Authorization: token } },
    { url, auth: { type: 'none' }, headers: { 'X-Api-Key': `${token}\n` } },
    { url: `https://user:${encodeURIComponent(token)}@mcp.example/mcp`, auth: { type: token } },
  ];
  for (const server of refused) await api.askAsAdmin('PUT /mcp-servers/refused', server);
  const body = { url, auth: { type: 'bearer', token } };
  await api.ask('nobody', 'PUT /mcp-servers/refused', { body });
}

/** Requests with secrets in them that Latchkey refuses. */
export async function playRefusedRequests(fixture: StoryFixture): Promise<void> {
  const { api, registry, world } = fixture;
  const user = newStoryUser(fixture);
  const deposit = await world.users.consent(user.id);
  const { refreshToken, clientSecret } = deposit;
  const refused = [
    { ...deposit, mcpServerId: 'unknown' },
    { ...deposit, refreshToken: `${refreshToken}\n` },
    { ...deposit, refreshToken: { is: refreshToken } },
    { ...deposit, accessToken: `${deposit.accessToken} and more` },
    { ...deposit, clientId: undefined },
    { ...deposit, scopes: `"${refreshToken}"` },
    { ...deposit, expiresIn: refreshToken },
    { ...deposit, clientSecretExpiresAt: clientSecret },
    { ...deposit, tokenEndpointAuthMethod: clientSecret },
    { ...deposit, tokenEndpoint: refreshToken },
    { ...deposit, tokenEndpoint: `ftp://${refreshToken}.example/token` },
    { ...deposit, tokenEndpoint: `http://169.254.169.254/token?key=${refreshToken}` },
    { ...deposit, tokenEndpoint: `http://u:${refreshToken}@127.0.0.1:9/token` },
    { ...deposit, mcpServerId: 'operated', tokenEndpoint: `https://elsewhere.example/${refreshToken}` },
    { ...deposit, note: refreshToken },
    [refreshToken],
    refreshToken,
  ];
  for (const body of refused) await user.deposit(body as object);
  const ask = (request: string, options: object) => api.ask(user.id, request, options);
  await ask('POST /mcp-oauth-credentials', { body: `{"refreshToken":"${refreshToken}` });
  await ask('POST /mcp-oauth-credentials', {
    body: new URLSearchParams({ refresh_token: refreshToken }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await ask(`GET /oauth/callback?code=${refreshToken}&state=${refreshToken}`, {});
  await ask(`GET /steps?cursor=${refreshToken}`, {});
  await ask(`GET /list-mcp-tools?mcpServerId=ledger&refresh_token=${refreshToken}`, {});
  await ask(`GET /no/such/page?token=${refreshToken}`, {});
  for (const authorization of [
    `Bearer ${refreshToken}`,
    `Basic ${btoa(`a:${clientSecret}`)}`,
    refreshToken,
  ]) {
    await ask('GET /steps', { headers: { authorization } });
  }
  const forged = registry.register(
    'JWT of another',
    `eyJhbGciOiJIUzI1NiJ9.${btoa('{"sub":"eve"}')}.${btoa(newText())}`,
  );
  await ask('GET /steps', { headers: { authorization: `Bearer ${forged}` } });
  await playBrokenHttp(fixture, refreshToken);
}

/** What never becomes a request. */
async function playBrokenHttp({ api }: StoryFixture, secret: string): Promise<void> {
  const { hostname, port } = new URL(api.url);
  const requests = [
    `GET /${secret} with spaces HTTP/1.1\r\n\r\n`,
    `${secret}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nAuthorization ${secret}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nExpect: ${secret}\r\nConnection: close\r\n\r\n`,
  ];
  for (const [at, request] of requests.entries()) {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(request);
    api.keep({ where: `http answer to broken request ${at}`, content: await text(socket) });
  }
}

/** Everything that can be read, by a user for whom there is something to read. */
export async function playReading(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  const stepId = await user.run();
  // Else the answer is a stream that does not end.
  await fixture.api.ask(user.id, 'GET /events', { headers: { accept: 'application/json' } });
  const paths = ['/health', '/openapi.json', '/docs', '/', '/oauth/client-metadata.json', '/steps'];
  for (const path of [...paths, `/steps/${stepId}`, '/mcp-oauth-credentials', '/mcp-servers', '/mcp-tools']) {
    await user.ask(`GET ${path}`);
  }
  await user.ask('GET /list-mcp-tools?mcpServerId=ledger');
  await user.ask('POST /connect-sessions', { mcpServerId: 'ledger' });
  await fixture.api.askAsAdmin('GET /mcp-tools');
  await fixture.api.askAsAdmin('POST /codec/decode', { payloads: [] });
}
