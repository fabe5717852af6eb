import {
  CALL_ECHOES,
  MCP_QUOTES,
  OPENING_ECHOES,
  RPC_CODES,
  startEchoingMcpServer,
  startQuotingMcpServer,
  startQuotingTokenEndpoint,
  TOKEN_QUOTES,
} from '../quoting-servers.ts';
import { newText, type StoryFixture } from '../story-fixture.ts';
import { newStoryUser, untilAccepted } from '../users.ts';

/** MCP servers that repeat the access token in whatever they refuse with. */
export async function playQuotingMcpServers(fixture: StoryFixture): Promise<void> {
  const ways = [...Object.keys(MCP_QUOTES), ...RPC_CODES];
  await Promise.all(ways.map((way) => playQuotingMcpServer(fixture, way)));
}

async function playQuotingMcpServer(fixture: StoryFixture, way: string | number): Promise<void> {
  const { registry } = fixture;
  const server = await startQuotingMcpServer(way);
  const mcpServerId = `quotes-${way}`;
  await register(fixture, mcpServerId, { url: server.url, auth: { type: 'oauth2' } });
  const user = newStoryUser(fixture);
  await user.connect({ mcpServerId });
  await user.ask(`GET /list-mcp-tools?mcpServerId=${mcpServerId}`);
  const timeouts = { unavailable: '1s' };
  const stepId = await user.run({ mcpServerId, tool: 'echo', arguments: {}, timeouts });
  await user.ask(`DELETE /steps/${stepId}`);
  const bearer = `${mcpServerId}-of-the-operator`;
  const token = registry.register('token of a server', newText());
  await register(fixture, bearer, { url: server.url, auth: { type: 'bearer', token } });
  await user.ask(
    `DELETE /steps/${await user.run({ mcpServerId: bearer, tool: 'echo', arguments: {}, timeouts })}`,
  );
  await server.close();
}

/** MCP servers that repeat all that they are sent, in whatever they answer with. */
export async function playEchoingMcpServers(fixture: StoryFixture): Promise<void> {
  const ways = [...Object.keys(CALL_ECHOES), ...Object.keys(OPENING_ECHOES)];
  await Promise.all(ways.map((way) => playEchoingMcpServer(fixture, way)));
}

async function playEchoingMcpServer(fixture: StoryFixture, way: string): Promise<void> {
  const { registry } = fixture;
  const server = await startEchoingMcpServer(way);
  const mcpServerId = `echoes-${way}`;
  const header = registry.register('registered header', newText());
  const query = registry.register("query of a server's address", newText());
  await register(fixture, mcpServerId, {
    url: `${server.url}?api_key=${encodeURIComponent(query)}`,
    headers: { 'x-api-key': header },
    auth: { type: 'oauth2' },
  });
  const user = newStoryUser(fixture);
  await user.connect({ mcpServerId });
  await user.ask(`GET /list-mcp-tools?mcpServerId=${mcpServerId}`);
  const timeouts = { unavailable: '1s' };
  const stepId = await user.run({ mcpServerId, tool: 'echo', arguments: {}, timeouts });
  await user.ask(`DELETE /steps/${stepId}`);
  await server.close();
}

function register({ api }: StoryFixture, mcpServerId: string, server: object): Promise<void> {
  return untilAccepted(() => api.askAsAdmin(`PUT /mcp-servers/${mcpServerId}`, server));
}

/** Token endpoints that repeat the refresh token, and the client's secret, in whatever they refuse with. */
export async function playQuotingTokenEndpoints(fixture: StoryFixture): Promise<void> {
  const endpoint = await startQuotingTokenEndpoint();
  const ways = Object.keys(TOKEN_QUOTES).map((way) => endpoint.urlOf(way));
  const away = 'http://127.0.0.1:9/token';
  await Promise.all([...ways, away].map((url) => playQuotingTokenEndpoint(fixture, url)));
  await endpoint.close();
}

async function playQuotingTokenEndpoint(fixture: StoryFixture, url: string): Promise<void> {
  const { registry, world } = fixture;
  const user = newStoryUser(fixture);
  const query = registry.register('query of a token endpoint', newText());
  await user.deposit({
    ...(await world.users.consent(user.id)),
    refreshToken: registry.register('deposited refresh token', newText()),
    clientSecret: registry.register("deposited client's secret", newText()),
    tokenEndpoint: `${url}?key=${encodeURIComponent(query)}`,
    expiresIn: 0,
  });
  const stepId = await user.start();
  await user.ask('GET /list-mcp-tools?mcpServerId=ledger');
  await user.ask('GET /mcp-oauth-credentials');
  await fixture.describeNow(`step/${user.id}/${stepId}`);
  await user.ask(`DELETE /steps/${stepId}`);
  await user.until(stepId, 'cancelled', 'error', 'success');
}
