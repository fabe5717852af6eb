import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { NOT_CONNECTED } from '../tools/not-connected.ts';
import { createHttpFixture, type HttpFixture, registerServer } from './http-fixture.ts';

type List = (key: CredentialKey) => Promise<ListUserToolsOutcome>;

const TOOL = { name: 'search', inputSchema: { type: 'object' } };
const LISTED: ListUserToolsOutcome = { kind: 'listed', tools: [TOOL] };

let fixture: HttpFixture;
let list: List;
beforeAll(async () => {
  fixture = await createHttpFixture({ deps: { listTools: (key) => list(key) } });
  for (const id of ['a', 'b/c', 'd']) await registerServer(fixture, id);
});
afterAll(() => fixture.close());

async function askFor(query: string, answers: List) {
  list = answers;
  return fixture.ask({ url: `/mcp-tools${query}` });
}

describe('listing the tools of several servers', () => {
  test('answers those of every registered server, for the user of the token', async () => {
    const asked: CredentialKey[] = [];
    const answer = await askFor('', async (key) => {
      asked.push(key);
      return LISTED;
    });
    expect(answer.statusCode).toBe(200);
    const tools = [{ ...TOOL, description: '' }];
    expect(answer.json()).toEqual({
      servers: ['a', 'b/c', 'd'].map((mcpServerId) => ({ mcpServerId, tools })),
    });
    expect(asked.map(({ userId }) => userId)).toEqual(['alice', 'alice', 'alice']);
  });

  test('answers those of the servers that are named, once each, in their order', async () => {
    const answer = await askFor('?mcpServerId=d&mcpServerId=a&mcpServerId=d', async () => LISTED);
    expect(answer.json().servers.map(idOf)).toEqual(['d', 'a']);
    const one = await askFor('?mcpServerId=b%2Fc', async () => LISTED);
    expect(one.json().servers.map(idOf)).toEqual(['b/c']);
  });

  test('asks them at the same time', async () => {
    let open = 0;
    let release = () => {};
    const allAsked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answer = await askFor('', async () => {
      open += 1;
      if (open === 3) release();
      await allAsked;
      return LISTED;
    });
    expect(answer.json().servers).toHaveLength(3);
  });

  test("hides no server's tools behind another's failure, not even an unexpected one", async () => {
    const answer = await askFor('', async ({ mcpServerId }) => {
      if (mcpServerId === 'a') throw new Error('secret detail');
      return mcpServerId === 'd' ? { kind: 'unavailable', cause: 'timeout' } : LISTED;
    });
    expect(answer.json().servers).toEqual([
      { mcpServerId: 'a', failure: { kind: 'unknown', code: 'internal' } },
      { mcpServerId: 'b/c', tools: [{ ...TOOL, description: '' }] },
      { mcpServerId: 'd', failure: { kind: 'connection', code: 'server-unavailable' } },
    ]);
    expect(fixture.logged()).toContain('secret detail');
  });

  test.each<[ListUserToolsOutcome, string, string]>([
    [{ kind: 'unknown-server' }, 'unknown', 'unknown-server'],
    [NOT_CONNECTED, 'auth', 'needs-oauth-reauth'],
    [{ kind: 'insufficient-scope', challengedScopes: ['write'] }, 'auth', 'needs-oauth-scope'],
    [{ kind: 'failed', code: 'forbidden', message: 'no', operatorMessage: '' }, 'auth', 'forbidden'],
    [{ kind: 'unavailable', cause: 'connect-refused' }, 'connection', 'server-unavailable'],
    [{ kind: 'token-endpoint-unavailable' }, 'connection', 'token-endpoint-unavailable'],
    [
      { kind: 'failed', code: 'protocol-error', message: 'no', operatorMessage: '' },
      'unknown',
      'protocol-error',
    ],
    [
      { kind: 'failed', code: 'unknown-tool', message: 'no', operatorMessage: '' },
      'unknown',
      'protocol-error',
    ],
    [
      { kind: 'failed', code: 'result-too-large', message: 'no', operatorMessage: '' },
      'unknown',
      'result-too-large',
    ],
    [{ kind: 'key-missing', kid: 'k1' }, 'unknown', 'encryption-key-missing'],
    [{ kind: 'misconfigured', message: 'no' }, 'unknown', 'misconfigured'],
  ])('classifies %j as %s %s', async (outcome, kind, code) => {
    const answer = await askFor('?mcpServerId=a', async () => outcome);
    expect(answer.json().servers).toEqual([{ mcpServerId: 'a', failure: { kind, code } }]);
  });

  test.each(['?mcpServerId=', '?mcpServerId=a&x=1', '?mcpServerId=a&mcpServerId=%00'])(
    'refuses %s',
    async (query) => {
      expect((await askFor(query, async () => LISTED)).statusCode).toBe(400);
    },
  );
});

const idOf = ({ mcpServerId }: { mcpServerId: string }) => mcpServerId;
