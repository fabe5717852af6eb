import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CountedBytes } from '../../src/async/memory-budget.ts';
import type { McpPort } from '../../src/mcp/port.ts';
import { createMcpSdkAdapter } from '../../src/mcp/sdk/sdk-adapter.ts';
import { type ClosableGuardedFetch, createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import {
  rpcResultText,
  type ScriptedMcpServer,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';
import { createHttpFixture, type HttpFixture, registerServer, token } from './http-fixture.ts';

const MIB = 1024 * 1024;
const SERVERS = 8;
const REQUESTS = 40;
const USERS = 10;
/** Of one list; all that are asked for together have 1.1 GiB. */
const LIST_BYTES = 3.5 * MIB;
/** How long a caller may take to read an answer. */
const SEND_MS = 3_000;
/** Of lists in a process, and one more of each request that is under way when it is full. */
const MAX_HELD = 64 * MIB;

let fixture: HttpFixture;
let origin: string;
let servers: ScriptedMcpServer[];
let network: ClosableGuardedFetch;
let mcp: McpPort;
/** Bytes of requests that are not answered yet, now and at most. */
const held = { now: 0, most: 0 };

beforeAll(async () => {
  network = createGuardedFetch({ policy: 'development' });
  mcp = createMcpSdkAdapter({ guardedFetch: network.fetch });
  servers = await Promise.all(Array.from({ length: SERVERS }, () => startScriptedMcpServer()));
  const list = rpcResultText(`{"tools":[{"name":"big","title":"${'x'.repeat(LIST_BYTES)}"}]}`);
  for (const server of servers) server.on('tools/list', list);
  fixture = await createHttpFixture({
    http: { lists: { sendMs: SEND_MS } },
    deps: {
      // A busy Postgres is not the subject.
      checks: { postgres: async () => {}, temporal: async () => {} },
      listTools: async ({ userId, mcpServerId }, list) => {
        const url = servers[Number(mcpServerId)]?.url ?? '';
        const target = {
          mcpServerId,
          userId,
          registrationVersion: 1,
          url,
          headers: {},
          maxResultBytes: 10 * MIB,
        };
        const outcome = await mcp.listTools(target, { timeoutMs: 60_000, ...counted(list) });
        return outcome.kind === 'listed' ? outcome : { kind: 'unavailable', cause: 'timeout' };
      },
    },
  });
  for (const id of servers.keys()) await registerServer(fixture, String(id));
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  const address = fixture.app.server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterAll(async () => {
  await fixture.close();
  await mcp.close();
  await network.close(0);
  await Promise.all(servers.map((server) => server.close()));
});

function counted(list: CountedBytes | undefined) {
  if (list === undefined) throw new Error('a list was read outside of the budget');
  let bytes = 0;
  // Also aborted when its request has ended.
  list.signal.addEventListener('abort', () => {
    held.now -= bytes;
    bytes = Number.NEGATIVE_INFINITY;
  });
  const received = (change: number) => {
    list.received(change);
    if (list.signal.aborted) return;
    bytes += change;
    held.now += change;
    held.most = Math.max(held.most, held.now);
  };
  return { signal: list.signal, received };
}

async function ask(
  user: string,
  path = '/mcp-tools',
): Promise<{ status: number; retryAfter: string | null }> {
  const headers = { authorization: `Bearer ${await token({ sub: user })}` };
  const answer = await fetch(`${origin}${path}`, { headers });
  // Not kept: this process is measured.
  for await (const _ of answer.body ?? []);
  return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
}

test('many requests for long lists at once hold little, and others are answered meanwhile', async () => {
  let isOver = false;
  const all = Promise.all(Array.from({ length: REQUESTS }, (_, n) => ask(`user-${n % USERS}`))).finally(
    () => {
      isOver = true;
    },
  );
  let healthy = 0;
  while (!isOver) {
    expect((await fetch(`${origin}/health`)).status).toBe(200);
    healthy += 1;
  }
  const answers = await all;

  const refused = answers.filter(({ status }) => status !== 200);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(1);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  for (const answer of refused)
    expect(answer).toEqual({ status: 429, retryAfter: expect.stringMatching(/^\d+$/) });
  expect(held.most).toBeLessThanOrEqual(MAX_HELD);
  expect(healthy).toBeGreaterThan(10);
});

test('then all is given back: the lists of every server are there', async () => {
  const answer = await fixture.ask({ url: '/mcp-tools' });
  expect(answer.statusCode).toBe(200);
  const lists: { mcpServerId: string; tools?: unknown[] }[] = answer.json().servers;
  expect(lists.map(({ tools }) => tools?.length)).toEqual(Array.from({ length: SERVERS }, () => 1));
  expect((await fixture.ask({ url: '/list-mcp-tools?mcpServerId=1' })).json().tools).toHaveLength(1);
});

test('a caller that goes away gives back what it held, and stops the reading', async () => {
  const before = held.now;
  const leaving = new AbortController();
  const headers = { authorization: `Bearer ${await token({ sub: 'leaver' })}` };
  const asked = fetch(`${origin}/mcp-tools`, { headers, signal: leaving.signal }).catch(() => 'left');
  await expect.poll(() => held.now, { interval: 1 }).toBeGreaterThan(before);
  leaving.abort();
  expect(await asked).toBe('left');
  await expect.poll(() => held.now).toBe(before);
});

test('callers that do not read their answers neither keep others waiting nor hold the memory for good', async () => {
  const authorization = `Bearer ${await token({ sub: 'mallory' })}`;
  const stalled = Array.from({ length: 8 }, () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.pause();
    socket.write(`GET /mcp-tools HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
    return socket.on('error', () => {});
  });
  await expect.poll(() => held.now, { timeout: 30_000 }).toBeGreaterThan(16 * MIB);

  expect(await ask('ada', '/list-mcp-tools?mcpServerId=1')).toMatchObject({ status: 200 });
  await expect.poll(() => held.now, { timeout: 60_000 }).toBe(0);
  for (const socket of stalled) socket.destroy();
});
