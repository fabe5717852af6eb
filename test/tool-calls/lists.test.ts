import { afterAll, describe, expect } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { testInWorld } from '../support/fixtures.ts';
import {
  hang,
  type Reply,
  rpcResult,
  rpcResultText,
  type ScriptedMcpServer,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';

const test = testInWorld({ withoutWorker: true });
let open: ScriptedMcpServer;
let hanging: ScriptedMcpServer;
let huge: ScriptedMcpServer;

test.beforeAll(async ({ world }) => {
  open = await startScriptedMcpServer();
  hanging = await startScriptedMcpServer();
  hanging.on('tools/list', hang());
  const none = { auth: { type: 'none' } };
  huge = await startScriptedMcpServer();
  await world.register('open', { ...none, url: open.url });
  await world.register('hanging', { ...none, url: hanging.url });
  await world.register('down', { ...none, url: `http://127.0.0.1:${await freePort()}/mcp` });
  await world.register('huge', { ...none, url: huge.url });
  await world.register('not-connected', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
});

afterAll(async () => {
  await Promise.all([open.close(), hanging.close(), huge.close()]);
});

let pages = 0;
const namedTools = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `tool-${i}` }));

describe('the tools of several servers', () => {
  test('come with the failures of other servers after at most 15 s, even if one server hangs', async ({
    world,
    api,
  }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const begun = performance.now();

    const { status, body } = await api.ask(user, 'GET /mcp-tools');

    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(status).toBe(200);
    expect(body).toEqual({
      servers: [
        { mcpServerId: 'down', failure: { kind: 'connection', code: 'server-unavailable' } },
        { mcpServerId: 'hanging', failure: { kind: 'connection', code: 'server-unavailable' } },
        { mcpServerId: 'huge', tools: [expect.objectContaining({ name: 'echo' })] },
        {
          mcpServerId: 'ledger',
          tools: expect.arrayContaining([expect.objectContaining({ name: 'create_invoice' })]),
        },
        { mcpServerId: 'not-connected', failure: { kind: 'auth', code: 'needs-oauth-reauth' } },
        { mcpServerId: 'open', tools: [expect.objectContaining({ name: 'echo' })] },
      ],
    });
  });

  test('are those of the named servers, even if a server is not registered', async ({ world, api }) => {
    const { body } = await api.ask(
      world.users.newUser(),
      'GET /mcp-tools?mcpServerId=open&mcpServerId=nobody',
    );

    expect(body).toEqual({
      servers: [
        { mcpServerId: 'open', tools: [expect.objectContaining({ name: 'echo' })] },
        { mcpServerId: 'nobody', failure: { kind: 'unknown', code: 'unknown-server' } },
      ],
    });
  });

  test('come with all that the server says of them, by every way to list', async ({ world, api }) => {
    const rich = {
      name: 'rich',
      title: 'Rich',
      description: 'Has everything',
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object', properties: { a: { type: 'string' } } },
      annotations: { title: 'Another title', readOnlyHint: true },
      execution: { taskSupport: 'required' },
      icons: [{ src: 'https://a.example/i.png', mimeType: 'image/png', sizes: ['48x48'] }],
    };
    const bare = {
      name: 'bare',
      title: null,
      inputSchema: null,
      outputSchema: null,
      execution: null,
      icons: null,
    };
    open.once('tools/list', rpcResult({ tools: [rich, bare] }));
    open.once('tools/list', rpcResult({ tools: [rich, bare] }));
    open.once('tools/list', rpcResult({ tools: null }));
    const tools = [rich, { name: 'bare', description: '', inputSchema: { type: 'object' } }];
    const user = world.users.newUser();

    expect((await api.ask(user, 'GET /list-mcp-tools?mcpServerId=open')).body).toEqual({ tools });
    expect((await api.ask(user, 'GET /mcp-tools?mcpServerId=open')).body).toEqual({
      servers: [{ mcpServerId: 'open', tools }],
    });
    expect((await api.ask(user, 'GET /list-mcp-tools?mcpServerId=open')).body).toEqual({ tools: [] });
  });

  test.for<[string, Reply, string]>([
    ['has 200,000 tools', rpcResult({ tools: namedTools(200_000) }), 'result-too-large'],
    [
      'always has one more page',
      (...args) => {
        pages += 1;
        rpcResult({ tools: namedTools(1), nextCursor: String(pages) })(...args);
      },
      'protocol-error',
    ],
    ['sends too many bytes', rpcResult({ tools: [], more: 'x'.repeat(5 * 1024 * 1024) }), 'result-too-large'],
  ])('come with the failure of a server that %s', async ([_, reply, code], { world, api }) => {
    huge.on('tools/list', reply);
    const user = world.users.newUser();

    const many = await api.ask(user, 'GET /mcp-tools?mcpServerId=open&mcpServerId=huge');
    const one = await api.ask(user, 'GET /list-mcp-tools?mcpServerId=huge');

    expect(many).toEqual({
      status: 200,
      body: {
        servers: [
          { mcpServerId: 'open', tools: [expect.objectContaining({ name: 'echo' })] },
          { mcpServerId: 'huge', failure: { kind: 'unknown', code } },
        ],
      },
    });
    expect(one).toMatchObject({ status: 502, body: { code } });
  });

  test.for([20_000, 400_000])(
    'come without a tool whose schema nests %d deep',
    async (levels, { world, api }) => {
      const schema = `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
      const text = `{"tools":[{"name":"deep","inputSchema":${schema}},{"name":"fine"}]}`;
      huge.on('tools/list', rpcResultText(text));
      const tools = [{ name: 'fine', description: '', inputSchema: { type: 'object' } }];
      const user = world.users.newUser();

      const many = await api.ask(user, 'GET /mcp-tools?mcpServerId=huge');
      const one = await api.ask(user, 'GET /list-mcp-tools?mcpServerId=huge');

      expect(many).toEqual({ status: 200, body: { servers: [{ mcpServerId: 'huge', tools }] } });
      expect(one).toEqual({ status: 200, body: { tools } });
    },
  );

  test('come also while the authorization server is down and a token is due', async ({ world, api }) => {
    const user = world.users.newUser();
    const { accessToken: _, expiresIn: __, ...withoutToken } = await world.users.consent(user);
    await world.users.deposit(user, withoutToken);
    await world.authorizationServer.control.goOffline();

    const { body } = await api.ask(user, 'GET /mcp-tools?mcpServerId=ledger&mcpServerId=open');

    expect(body).toEqual({
      servers: [
        { mcpServerId: 'ledger', failure: { kind: 'connection', code: 'token-endpoint-unavailable' } },
        { mcpServerId: 'open', tools: [expect.objectContaining({ name: 'echo' })] },
      ],
    });
    await world.authorizationServer.control.goOnline();
  });
});
