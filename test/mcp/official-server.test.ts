import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks/index.js';
import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callOf, targetOf } from './calls.ts';
import { officialServer, testAdapter } from './test-adapter.ts';

function echo(server: McpServer): void {
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }));
}

/** A tool that answers once this many of its calls are under way. */
function gathering(wanted: number): (server: McpServer) => void {
  let here = 0;
  let open = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return (server) => {
    server.registerTool('gather', {}, async () => {
      here += 1;
      if (here === wanted) open();
      await all;
      return { content: [] };
    });
  };
}

/** Keeps events in their order of arrival. The SDK's example does not order events of the same millisecond. */
function eventStore(): EventStore {
  const stored: { streamId: string; message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(streamId, message) {
      return String(stored.push({ streamId, message }) - 1);
    },
    async replayEventsAfter(lastEventId, { send }) {
      const streamId = stored[Number(lastEventId)]?.streamId ?? '';
      for (const [id, event] of stored.entries()) {
        if (id > Number(lastEventId) && event.streamId === streamId) await send(String(id), event.message);
      }
      return streamId;
    },
  };
}

function said(text: string) {
  return { kind: 'completed', isError: false, result: { content: [{ type: 'text', text }] } };
}

const sayHello = () => callOf({ arguments: { text: 'hello' } });

describe('against the SDK’s own server with sessions', () => {
  test('makes one HTTP request for each call in an open session', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter();
    for (let n = 0; n < 5; n += 1) {
      expect(await adapter.callTool(targetOf(server.url), sayHello())).toEqual(said('hello'));
    }
    expect(server.seen.map(({ httpMethod, rpcMethod }) => rpcMethod ?? httpMethod)).toEqual([
      'initialize',
      'notifications/initialized',
      ...Array(5).fill('tools/call'),
    ]);
  });

  test('calls with each call’s own token in an open session', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter();
    for (const bearerToken of ['old', 'renewed']) {
      await adapter.callTool(targetOf(server.url, { bearerToken }), sayHello());
    }
    const calls = server.seen.filter(({ rpcMethod }) => rpcMethod === 'tools/call');
    expect(calls.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer renewed']);
    expect(server.count('initialize')).toBe(1);
  });

  test('sends each of many concurrent calls with its own token', async () => {
    const server = await officialServer(gathering(20));
    const adapter = testAdapter();
    const tokens = Array.from({ length: 20 }, (_, n) => `token-${n}`);
    await Promise.all(
      tokens.map((bearerToken) =>
        adapter.callTool(targetOf(server.url, { bearerToken }), callOf({ tool: 'gather' })),
      ),
    );
    const calls = server.seen.filter(({ rpcMethod }) => rpcMethod === 'tools/call');
    expect(new Set(calls.map(({ authorization }) => authorization))).toEqual(
      new Set(tokens.map((token) => `Bearer ${token}`)),
    );
  });

  test('replaces a lost session once, and calls in the new one', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter();
    await adapter.callTool(targetOf(server.url), sayHello());
    await server.loseSessions();
    const calls = Array.from({ length: 10 }, () => adapter.callTool(targetOf(server.url), sayHello()));
    expect(await Promise.all(calls)).toEqual(Array(10).fill(said('hello')));
    expect(server.count('initialize')).toBe(2);
  });

  test('has 100 first calls of one user share one session, all under way at once', async () => {
    const server = await officialServer(gathering(100));
    const adapter = testAdapter();
    const calls = Array.from({ length: 100 }, () =>
      adapter.callTool(targetOf(server.url), callOf({ tool: 'gather' })),
    );
    const outcomes = await Promise.all(calls);
    expect(outcomes.every(({ kind }) => kind === 'completed')).toBe(true);
    expect(server.count('initialize')).toBe(1);
    expect(new Set(server.seen.slice(1).map(({ sessionId }) => sessionId)).size).toBe(1);
  });

  test.each([
    ['users', { userId: 'eve' }],
    ['servers', { mcpServerId: 'other' }],
    ['registrations', { registrationVersion: 2 }],
    ['consents', { credentialVersion: 2 }],
  ])('never shares a session between two %s', async (_, other) => {
    const server = await officialServer(echo);
    const adapter = testAdapter();
    await Promise.all([
      adapter.callTool(targetOf(server.url, { credentialVersion: 1 }), sayHello()),
      adapter.callTool(targetOf(server.url, { credentialVersion: 1, ...other }), sayHello()),
    ]);
    const calls = server.seen.filter(({ rpcMethod }) => rpcMethod === 'tools/call');
    expect(new Set(calls.map(({ sessionId }) => sessionId)).size).toBe(2);
  });

  test('ends its sessions at the server when it closes, with the token that was last accepted', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter();
    for (const bearerToken of ['old', 'renewed']) {
      await adapter.callTool(targetOf(server.url, { bearerToken }), sayHello());
    }
    await adapter.close();
    expect(server.sessions()).toEqual([]);
    expect(server.seen.at(-1)).toMatchObject({ httpMethod: 'DELETE', authorization: 'Bearer renewed' });
  });

  test('evicts the idle session used longest ago when there are too many, and ends it at the server', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter({ limits: { maxConnections: 2 } });
    for (const userId of ['ada', 'bob', 'ada', 'cyd', 'ada']) {
      await adapter.callTool(targetOf(server.url, { userId }), sayHello());
    }
    expect(server.count('initialize')).toBe(3);
    await expect.poll(() => server.sessions().length).toBe(2);
  });

  test('ends idle sessions', async () => {
    const server = await officialServer(echo);
    const adapter = testAdapter({ limits: { idleMs: 1 } });
    await adapter.callTool(targetOf(server.url), sayHello());
    await expect.poll(() => server.sessions()).toEqual([]);
  });

  test('tells an unknown tool from a tool that failed, though the server answers both as results', async () => {
    const server = await officialServer((mcp) => {
      echo(mcp);
      mcp.registerTool('broken', {}, () => {
        throw new Error('Tool broken not found');
      });
    });
    const adapter = testAdapter();
    expect(await adapter.callTool(targetOf(server.url), callOf({ tool: 'nope' }))).toMatchObject({
      kind: 'failed',
      code: 'unknown-tool',
      serverMessage: expect.stringContaining('nope not found'),
    });
    expect(await adapter.callTool(targetOf(server.url), callOf({ tool: 'broken' }))).toMatchObject({
      kind: 'completed',
      isError: true,
    });
    expect(await adapter.callTool(targetOf(server.url), callOf())).toMatchObject({
      kind: 'completed',
      isError: true,
    });
    expect(server.count('tools/list')).toBe(1);
  });

  test('lists tools with their annotations; a server without any has an empty list', async () => {
    const adapter = testAdapter();
    const server = await officialServer((mcp) => {
      mcp.registerTool('look', { description: 'Looks', annotations: { readOnlyHint: true } }, () => ({
        content: [],
      }));
    });
    const empty = await officialServer(() => {});
    expect(await adapter.listTools(targetOf(server.url), { timeoutMs: 20_000 })).toEqual({
      kind: 'listed',
      tools: [
        {
          name: 'look',
          description: 'Looks',
          inputSchema: expect.objectContaining({ type: 'object' }),
          annotations: { readOnlyHint: true },
          execution: { taskSupport: 'forbidden' },
        },
      ],
    });
    const target = targetOf(empty.url, { mcpServerId: 'empty' });
    expect(await adapter.listTools(target, { timeoutMs: 20_000 })).toEqual({ kind: 'listed', tools: [] });
  });

  describe('with a tool that can be called as a task only', () => {
    const execution = { taskSupport: 'required' } as const;
    const announcing: ServerOptions = {
      capabilities: { tasks: { requests: { tools: { call: {} } } } },
      taskStore: new InMemoryTaskStore(),
    };
    const onlyAsTask = (mcp: McpServer) => {
      echo(mcp);
      mcp.experimental.tasks.registerToolTask(
        'research',
        { execution },
        {
          createTask: async ({ taskStore }) => ({ task: await taskStore.createTask({}) }),
          getTask: async ({ taskId, taskStore }) => taskStore.getTask(taskId),
          getTaskResult: async ({ taskId, taskStore }) => taskStore.getTaskResult(taskId) as never,
        },
      );
    };
    const told = {
      kind: 'failed',
      code: 'protocol-error',
      message: expect.stringContaining('“research” can only be called as a task'),
    };

    test('says so before it is called', async () => {
      const server = await officialServer(onlyAsTask, {}, announcing);
      const adapter = testAdapter();
      const call = (tool: string) => adapter.callTool(targetOf(server.url), callOf({ tool }));
      expect(await call('research')).toMatchObject(told);
      expect(server.count('tools/call')).toBe(0);
    });

    test('lists once in a session because of it, and calls other tools as usual', async () => {
      const server = await officialServer(onlyAsTask, {}, announcing);
      const adapter = testAdapter();
      for (let n = 0; n < 3; n += 1) {
        expect(await adapter.callTool(targetOf(server.url), sayHello())).toMatchObject({ kind: 'completed' });
      }
      expect(server.count('tools/list')).toBe(1);
      expect(server.count('tools/call')).toBe(3);
    });
  });

  test('reports progress, and each report keeps the call alive', async () => {
    const server = await officialServer((mcp) => {
      mcp.registerTool('slow', {}, async (extra) => {
        const progressToken = extra._meta?.progressToken ?? 'none';
        for (let progress = 1; progress <= 12; progress += 1) {
          await new Promise((resolve) => setTimeout(resolve, 300));
          await extra.sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress, total: 12, message: `at ${progress}` },
          });
        }
        return { content: [] };
      });
    });
    const reports: unknown[] = [];
    const call = callOf({
      tool: 'slow',
      inactivityTimeoutMs: 3_000,
      onProgress: (report) => reports.push(report),
    });
    expect(await testAdapter().callTool(targetOf(server.url), call)).toMatchObject({ kind: 'completed' });
    expect(reports).toContainEqual({ progress: 5, total: 12, message: 'at 5' });
  });

  test('fetches the answer of a call whose stream the server closed in between', async () => {
    const server = await officialServer(
      (mcp) => {
        mcp.registerTool('slow', {}, (extra) => {
          extra.closeSSEStream?.();
          return { content: [{ type: 'text', text: 'after all' }] };
        });
      },
      { eventStore: eventStore(), retryInterval: 1 },
    );
    const outcome = await testAdapter().callTool(targetOf(server.url), callOf({ tool: 'slow' }));
    expect(outcome).toEqual(said('after all'));
    expect(server.count('tools/call')).toBe(1);
    expect(server.seen.at(-1)).toMatchObject({ httpMethod: 'GET' });
  });

  test('speaks to a server that answers in JSON', async () => {
    const server = await officialServer(echo, { enableJsonResponse: true });
    expect(await testAdapter().callTool(targetOf(server.url), sayHello())).toEqual(said('hello'));
  });

  test('cancels a call at the server when its signal aborts', async () => {
    const abort = new AbortController();
    let cancelledThere = () => {};
    const cancelled = new Promise<void>((resolve) => {
      cancelledThere = resolve;
    });
    const server = await officialServer((mcp) => {
      mcp.registerTool('slow', {}, async ({ signal }) => {
        signal.addEventListener('abort', () => cancelledThere());
        abort.abort();
        await cancelled;
        return { content: [] };
      });
    });
    const target = targetOf(server.url, { bearerToken: 'mine' });
    const outcome = await testAdapter().callTool(target, callOf({ tool: 'slow', signal: abort.signal }));
    expect(outcome).toEqual({ kind: 'lost', cause: 'cancelled' });
    await cancelled;
    expect(server.seen.at(-1)).toMatchObject({
      rpcMethod: 'notifications/cancelled',
      authorization: 'Bearer mine',
    });
  });
});
