import { afterAll, beforeAll, expect, test } from 'vitest';
import type { McpPort } from '../../src/mcp/port.ts';
import { createMcpSdkAdapter } from '../../src/mcp/sdk/sdk-adapter.ts';
import { type ClosableGuardedFetch, createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { ListReading } from '../../src/tools/list-budget.ts';
import {
  rpcResultText,
  type ScriptedMcpServer,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';
import { createHttpFixture, type HttpFixture, registerServer, token } from './http-fixture.ts';

const MIB = 1024 * 1024;
const SERVERS = 8;
const USERS = 10;
/** The size of one list. 40 requests for all lists have 1.1 GiB. */
const LIST_BYTES = 3.5 * MIB;
/** The most that the lists in a process may hold. */
const MAX_HELD = 64 * MIB;

/** What a run asks for and expects at least. */
export interface ManyLists {
  requests: number;
  /** Requests that are refused. */
  leastRefused: number;
  /** Answers of `/health` meanwhile. */
  leastHealthy: number;
}

/** Registers the tests of many simultaneous requests for long lists. */
export function testManyLists({ requests, leastRefused, leastHealthy }: ManyLists): void {
  let fixture: HttpFixture;
  let origin: string;
  let servers: ScriptedMcpServer[];
  let network: ClosableGuardedFetch;
  let mcp: McpPort;
  /** Bytes held by unanswered requests: now, and the highest so far. */
  const held = { now: 0, most: 0 };

  beforeAll(async () => {
    network = createGuardedFetch({ policy: 'development' });
    mcp = createMcpSdkAdapter({ guardedFetch: network.fetch });
    servers = await Promise.all(Array.from({ length: SERVERS }, () => startScriptedMcpServer()));
    const list = rpcResultText(`{"tools":[{"name":"big","title":"${'x'.repeat(LIST_BYTES)}"}]}`);
    for (const server of servers) server.on('tools/list', list);
    fixture = await createHttpFixture({
      deps: {
        // A busy Postgres is not the subject.
        checks: { postgres: async () => {}, temporal: async () => {} },
        listTools: async ({ userId, mcpServerId }, reading) => {
          const url = servers[Number(mcpServerId)]?.url ?? '';
          const target = {
            mcpServerId,
            userId,
            registrationVersion: 1,
            url,
            headers: {},
            maxResultBytes: 10 * MIB,
          };
          const outcome = await mcp.listTools(target, { timeoutMs: 60_000, ...counted(reading) });
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

  const counting = new WeakMap<ListReading, { bytes: number }>();

  function counted(reading: ListReading | undefined) {
    if (reading === undefined) throw new Error('a list was read outside of the budget');
    const own = counting.get(reading) ?? { bytes: 0 };
    if (!counting.has(reading)) {
      counting.set(reading, own);
      // The signal also aborts when the request ends.
      reading.signal.addEventListener('abort', () => {
        held.now -= own.bytes;
        own.bytes = Number.NEGATIVE_INFINITY;
      });
    }
    const received = (bytes: number) => {
      reading.received(bytes);
      if (reading.signal.aborted) return;
      own.bytes += bytes;
      held.now += bytes;
      held.most = Math.max(held.most, held.now);
    };
    return { signal: reading.signal, received };
  }

  async function ask(
    user: string,
    path = '/mcp-tools',
  ): Promise<{ status: number; retryAfter: string | null }> {
    const headers = { authorization: `Bearer ${await token({ sub: user })}` };
    const answer = await fetch(`${origin}${path}`, { headers });
    // The body is discarded, because the memory of this process is measured.
    for await (const _ of answer.body ?? []);
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
  }

  test('many simultaneous requests for long lists hold a bounded amount of memory, and other requests are answered meanwhile', async () => {
    let isOver = false;
    const all = Promise.all(Array.from({ length: requests }, (_, n) => ask(`user-${n % USERS}`))).finally(
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
    expect(refused.length).toBeGreaterThanOrEqual(leastRefused);
    for (const answer of refused)
      expect(answer).toEqual({ status: 429, retryAfter: expect.stringMatching(/^\d+$/) });
    expect(held.most).toBeLessThanOrEqual(MAX_HELD);
    expect(healthy).toBeGreaterThan(leastHealthy);
  });

  test('all memory is given back afterwards: the lists of every server are answered', async () => {
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
}
