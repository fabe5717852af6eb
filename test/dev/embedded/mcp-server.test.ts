import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../../src/dev/embedded/authorization-server.ts';
import type { RegisteredClient } from '../../../src/dev/embedded/authorization-server-clients.ts';
import { authorizeHeadlessly } from '../../../src/dev/embedded/authorize-headlessly.ts';
import { type DemoMcpServer, startMcpServer } from '../../../src/dev/embedded/mcp-server.ts';

const REDIRECT_URI = 'http://127.0.0.1:9/callback';
const KEY = 'latchkey/idempotency-key';

let authorizationServer: AuthorizationServer;
let registered: RegisteredClient;
let mcp: DemoMcpServer;
let userNumber = 0;
let user: string;

beforeAll(async () => {
  authorizationServer = await startAuthorizationServer();
  registered = await authorizationServer.registerClient({ redirectUris: [REDIRECT_URI] });
  mcp = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
});

afterAll(async () => {
  await mcp.stop();
  await authorizationServer.stop();
});

beforeEach(() => {
  userNumber += 1;
  user = `user-${userNumber}`;
});

async function authorize({ scope = 'mcp:tools', resource = mcp.url } = {}): Promise<string> {
  const { issuer } = authorizationServer;
  const { clientId } = registered;
  const request = { issuer, clientId, redirectUri: REDIRECT_URI, scope, accountId: user };
  return (await authorizeHeadlessly(resource === '' ? request : { ...request, resource })).accessToken;
}

async function connect(token: string | undefined, url = mcp.url): Promise<Client> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const client = new Client({ name: 'test', version: '1' });
  // The class declares its callbacks as possibly undefined, which exactOptionalPropertyTypes tells from absent.
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  return client;
}

async function connectUser(scope?: string): Promise<Client> {
  return connect(await authorize(scope === undefined ? {} : { scope }));
}

function post(token: string | undefined, body: unknown, headers: Record<string, string> = {}) {
  return fetch(mcp.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};

const invoice = { name: 'create_invoice', arguments: { customer: 'Ada', amount: 12.5 } };

describe('authorization', () => {
  test('no token gets a 401 that leads to the metadata, without an error code', async () => {
    const response = await post(undefined, INITIALIZE);
    const metadataUrl = `${new URL(mcp.url).origin}/.well-known/oauth-protected-resource/mcp`;

    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${metadataUrl}", scope="mcp:tools"`,
    );
    expect(await (await fetch(metadataUrl)).json()).toEqual({
      resource: mcp.url,
      authorization_servers: [authorizationServer.issuer],
      scopes_supported: ['mcp:tools', 'ledger:export'],
      bearer_methods_supported: ['header'],
    });
  });

  test.each([
    ['an unknown token', async () => 'unknown'],
    ['a token for another resource', () => authorize({ resource: 'http://127.0.0.1:9/mcp' })],
    ['a token for no resource', () => authorize({ resource: '' })],
    [
      'an expired token',
      async () => {
        const token = await authorize();
        authorizationServer.control.expireAccessTokens(user);
        return token;
      },
    ],
  ])('%s gets a 401 invalid_token', async (_name, tokenOf) => {
    const response = await post(await tokenOf(), INITIALIZE);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer resource_metadata="[^"]+", error="invalid_token"$/,
    );
  });

  test('a good token is accepted, and the calls are its user’s', async () => {
    const client = await connectUser();
    const result = await client.callTool({ ...invoice, _meta: { [KEY]: 'key-1' } });

    expect(result.structuredContent).toMatchObject({ customer: 'Ada', amount: 12.5 });
    expect(mcp.calls({ user })).toEqual([
      {
        tool: 'create_invoice',
        arguments: invoice.arguments,
        user,
        idempotencyKey: 'key-1',
        at: expect.any(Number),
        outcome: 'completed',
      },
    ]);
    expect(mcp.calls({ tool: 'create_invoice', idempotencyKey: 'key-1' })).toHaveLength(1);
    expect(mcp.calls({ idempotencyKey: 'another' })).toHaveLength(0);
  });

  test('withdrawn consent is noticed by the very next request of a session', async () => {
    const client = await connectUser();
    await client.callTool({ name: 'list_invoices' });
    authorizationServer.control.revokeGrants(user);

    await expect(client.callTool(invoice)).rejects.toMatchObject({ code: 401 });
    expect(mcp.calls({ user, tool: 'create_invoice' })).toHaveLength(0);
    expect(mcp.requests({ status: 401 }).length).toBeGreaterThan(0);
  });

  test('a tool that needs another scope challenges for it and does not run', async () => {
    const token = await authorize();
    const initialized = await post(token, INITIALIZE);
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'export_ledger' } };
    const response = await post(token, call, {
      'mcp-session-id': initialized.headers.get('mcp-session-id') ?? '',
    });

    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer resource_metadata="[^"]+", error="insufficient_scope", scope="ledger:export"$/,
    );
    expect(mcp.calls({ user })).toHaveLength(0);
  });

  test('with the scope, that tool runs', async () => {
    const client = await connectUser('mcp:tools ledger:export');
    await client.callTool(invoice);
    const result = await client.callTool({ name: 'export_ledger' });
    expect(JSON.stringify(result.content)).toContain('Ada,12.5');
  });

  test('one user cannot use another user’s session', async () => {
    const initialized = await post(await authorize(), INITIALIZE);
    user = `${user}-other`;
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    const response = await post(await authorize(), list, {
      'mcp-session-id': initialized.headers.get('mcp-session-id') ?? '',
    });
    expect(response.status).toBe(403);
  });

  test('while the authorization server is away, requests get a 503', async () => {
    const token = await authorize();
    onTestFinished(authorizationServer.control.goOnline);
    await authorizationServer.control.goOffline();
    expect((await post(token, INITIALIZE)).status).toBe(503);
  });

  test('a server with a static token accepts that one only', async () => {
    const server = await startMcpServer({ auth: { type: 'bearer', token: 's3cret' } });
    onTestFinished(server.stop);
    await expect(connect('wrong', server.url)).rejects.toMatchObject({ code: 401 });
    const client = await connect('s3cret', server.url);
    await client.callTool({ name: 'export_ledger' });
    expect(server.calls()).toMatchObject([{ tool: 'export_ledger', user: 'anonymous' }]);
  });

  test('an open server asks for nothing and has no metadata', async () => {
    const server = await startMcpServer({ auth: { type: 'none' } });
    onTestFinished(server.stop);
    const client = await connect(undefined, server.url);
    await client.callTool(invoice);
    expect(server.calls()).toHaveLength(1);
    const metadata = await fetch(new URL('/.well-known/oauth-protected-resource', server.url));
    expect(metadata.status).toBe(404);
  });
});

describe('tools', () => {
  test('the annotations say what the tools do', async () => {
    const { tools } = await (await connectUser()).listTools();
    expect(Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations]))).toEqual({
      create_invoice: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
      list_invoices: { readOnlyHint: true },
      delete_invoice: { destructiveHint: true, idempotentHint: true },
      export_ledger: { readOnlyHint: true },
      slow_report: { readOnlyHint: true },
      large_report: { readOnlyHint: true },
      send_message: { destructiveHint: false, idempotentHint: false, openWorldHint: true },
      fail: undefined,
    });
  });

  test('invoices are listed and deleted by their own user', async () => {
    const client = await connectUser();
    const { structuredContent } = await client.callTool(invoice);
    // The output schema of create_invoice says so.
    const { id } = structuredContent as { id: string };

    expect((await client.callTool({ name: 'list_invoices' })).structuredContent).toEqual({
      invoices: [{ id, customer: 'Ada', amount: 12.5 }],
    });
    expect((await client.callTool({ name: 'delete_invoice', arguments: { id } })).isError).toBeUndefined();
    expect((await client.callTool({ name: 'delete_invoice', arguments: { id } })).isError).toBe(true);
  });

  test('fail answers with a tool error', async () => {
    const client = await connectUser();
    const result = await client.callTool({ name: 'fail', arguments: { message: '401 Unauthorized' } });
    expect(result).toMatchObject({ isError: true, content: [{ type: 'text', text: '401 Unauthorized' }] });
    expect(mcp.calls({ user, outcome: 'failed' })).toHaveLength(1);
  });

  test('slow_report tells its progress', async () => {
    const client = await connectUser();
    const progress: number[] = [];
    const call = { name: 'slow_report', arguments: { durationMs: 30, steps: 3 } };
    await client.callTool(call, undefined, { onprogress: (update) => progress.push(update.progress) });
    expect(progress).toEqual([1, 2, 3]);
  });

  test('slow_report stops when it is cancelled', async () => {
    const client = await connectUser();
    const controller = new AbortController();
    const call = { name: 'slow_report', arguments: { durationMs: 60_000, steps: 6_000 } };
    const outcome = client.callTool(call, undefined, {
      signal: controller.signal,
      onprogress: () => controller.abort(),
    });
    await expect(outcome).rejects.toThrow();
    await expect.poll(() => mcp.calls({ user }).at(0)?.outcome).toBe('cancelled');
  });

  test('large_report is as large as asked for', async () => {
    const client = await connectUser();
    const result = await client.callTool({ name: 'large_report', arguments: { bytes: 300_000 } });
    expect(result.content).toMatchObject([{ text: expect.stringMatching(/^x{300000}$/) }]);
  });
});

describe('control', () => {
  test('one call in an open session is one HTTP request', async () => {
    const client = await connectUser();
    const before = mcp.requests({ user, httpMethod: 'POST' }).length;
    for (let i = 0; i < 3; i += 1) await client.callTool({ name: 'list_invoices' });
    expect(mcp.requests({ user, httpMethod: 'POST' }).length).toBe(before + 3);
    expect(mcp.requests({ user, rpcMethod: 'tools/call', tool: 'list_invoices', status: 200 })).toHaveLength(
      3,
    );
  });

  test('forgotten sessions are unknown', async () => {
    const client = await connectUser();
    mcp.control.forgetSessions();
    await expect(client.callTool(invoice)).rejects.toMatchObject({ code: 404 });
    expect(mcp.calls({ user })).toHaveLength(0);
  });

  test('a restart keeps the URL and what was written, but no session', async () => {
    const token = await authorize();
    const before = await connect(token);
    await before.callTool(invoice);
    await mcp.control.restart();

    await expect(before.callTool(invoice)).rejects.toThrow();
    const after = await connect(token);
    const { structuredContent } = await after.callTool({ name: 'list_invoices' });
    expect(structuredContent).toMatchObject({ invoices: [{ customer: 'Ada' }] });
    expect(mcp.calls({ user, tool: 'create_invoice' })).toHaveLength(1);
  });

  test('offline, connections are refused', async () => {
    const client = await connectUser();
    onTestFinished(mcp.control.goOnline);
    await mcp.control.goOffline();
    await expect(client.callTool(invoice)).rejects.toThrow('fetch failed');
    expect(mcp.calls({ user })).toHaveLength(0);
  });

  test('answered in its place, a request does not reach the tool', async () => {
    const client = await connectUser();
    const headers = { 'retry-after': '3' };
    const busy = mcp.control.interceptRequests(
      { do: 'answer', status: 429, headers },
      { tool: 'create_invoice', user },
    );
    await client.callTool({ name: 'list_invoices' });
    await expect(client.callTool(invoice)).rejects.toMatchObject({ code: 429 });
    expect(mcp.calls({ user, tool: 'create_invoice' })).toHaveLength(0);
    expect(busy.hits()).toBe(1);

    await client.callTool(invoice);
    expect(mcp.calls({ user, tool: 'create_invoice' })).toHaveLength(1);
  });

  test('dropped or held, a request has not reached the tool', async () => {
    const client = await connectUser();
    mcp.control.interceptRequests({ do: 'drop' }, { rpcMethod: 'tools/call', user });
    await expect(client.callTool(invoice)).rejects.toThrow();

    const held = mcp.control.interceptRequests({ do: 'hold' }, { rpcMethod: 'tools/call', user });
    const outcome = client.callTool(invoice);
    await held.reached();
    expect(mcp.calls({ user })).toHaveLength(0);
    held.release();
    await outcome;
    expect(mcp.calls({ user })).toHaveLength(1);
  });

  test('held before its execution, a tool has not run, and may be cancelled for good', async () => {
    const client = await connectUser();
    const held = mcp.control.interceptTools({ do: 'hold-before-execution' }, { user, times: 2 });
    const controller = new AbortController();
    const cancelled = client.callTool(invoice, undefined, { signal: controller.signal });
    const patient = client.callTool(invoice);
    await held.reached(2);
    expect(mcp.calls({ user })).toHaveLength(0);

    controller.abort();
    await expect(cancelled).rejects.toThrow();
    await expect.poll(() => mcp.requests({ user, rpcMethod: 'notifications/cancelled' }).length).toBe(1);
    held.release();
    await patient;
    expect(mcp.calls({ user })).toHaveLength(1);
  });

  test('held after its execution, a tool has run though no answer came', async () => {
    const client = await connectUser();
    const held = mcp.control.interceptTools({ do: 'hold-after-execution' }, { tool: 'create_invoice', user });
    const outcome = client.callTool(invoice);
    await held.reached();
    expect(mcp.calls({ user, outcome: 'completed' })).toHaveLength(1);
    held.release();
    expect((await outcome).structuredContent).toMatchObject({ customer: 'Ada' });
  });

  test('dropped after its execution, a tool has run and the client learns nothing', async () => {
    const token = await authorize();
    const initialized = await post(token, INITIALIZE);
    mcp.control.interceptTools({ do: 'drop-after-execution' }, { user });
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: invoice };
    const answer = post(token, call, {
      'mcp-session-id': initialized.headers.get('mcp-session-id') ?? '',
    }).then((response) => response.text());

    await expect(answer).rejects.toThrow();
    expect(mcp.calls({ user, tool: 'create_invoice' })).toHaveLength(1);
  });

  test('JSON answers can be chosen instead of event streams', async () => {
    const server = await startMcpServer({ auth: { type: 'none' }, jsonResponses: true });
    onTestFinished(server.stop);
    const client = await connect(undefined, server.url);
    expect((await client.callTool(invoice)).structuredContent).toMatchObject({ customer: 'Ada' });
  });
});
