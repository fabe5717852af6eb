import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { NOT_CONNECTED } from '../tools/not-connected.ts';
import { createHttpFixture, type HttpFixture, PUBLIC_URL } from './http-fixture.ts';

const LISTED: ListUserToolsOutcome = {
  kind: 'listed',
  tools: [
    { name: 'read', inputSchema: { type: 'object' } },
    { name: 'task', inputSchema: {}, execution: { taskSupport: 'required' } },
  ],
};

let fixture: HttpFixture;
let lists: Record<string, ListUserToolsOutcome>;
const asked: CredentialKey[] = [];
beforeAll(async () => {
  const listTools = async (key: CredentialKey) => {
    asked.push(key);
    return lists[key.mcpServerId] ?? { kind: 'unknown-server' as const };
  };
  fixture = await createHttpFixture({ deps: { listTools } });
});
afterAll(() => fixture.close());

async function preflight(calls: unknown, answers: Record<string, ListUserToolsOutcome> = {}) {
  lists = answers;
  asked.length = 0;
  return fixture.ask({ method: 'POST', url: '/preflight', payload: { calls } });
}

describe('a pre-flight', () => {
  test('is ready if every call can be made', async () => {
    const calls = [{ mcpServerId: 'files', tool: 'read' }, { mcpServerId: 'crm' }];
    const answer = await preflight(calls, { files: LISTED, crm: LISTED });

    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ ready: true, problems: [] });
  });

  test('names all problems at once, in the order of the calls', async () => {
    const calls = [
      { mcpServerId: 'files', tool: 'write' },
      { mcpServerId: 'crm', account: 'work', tool: 'read' },
      { mcpServerId: 'files', tool: 'task' },
      { mcpServerId: 'files', tool: 'read' },
      { mcpServerId: 'gone' },
    ];
    const answer = await preflight(calls, { files: LISTED, crm: NOT_CONNECTED });

    expect(answer.json()).toEqual({
      ready: false,
      problems: [
        { mcpServerId: 'files', account: 'default', tool: 'write', code: 'unknown-tool' },
        {
          mcpServerId: 'crm',
          account: 'work',
          tool: 'read',
          code: 'needs-oauth-reauth',
          connectUrl: `${PUBLIC_URL}/connect/crm?account=work`,
        },
        { mcpServerId: 'files', account: 'default', tool: 'task', code: 'unknown-tool' },
        { mcpServerId: 'gone', account: 'default', code: 'unknown-server' },
      ],
    });
  });

  test('asks each account once, for the user of the token', async () => {
    const calls = [
      { mcpServerId: 'files', tool: 'read' },
      { mcpServerId: 'files', account: 'default', tool: 'write' },
      { mcpServerId: 'files', account: 'work' },
    ];
    await preflight(calls, { files: LISTED });

    expect(asked).toEqual([
      { userId: 'alice', mcpServerId: 'files' },
      { userId: 'alice', mcpServerId: 'files', account: 'work' },
    ]);
  });

  test.for<[ListUserToolsOutcome, string]>([
    [{ kind: 'unavailable', cause: 'timeout' }, 'server-unavailable'],
    [{ kind: 'token-endpoint-unavailable' }, 'server-unavailable'],
    [{ kind: 'failed', code: 'protocol-error', message: 'odd', operatorMessage: '' }, 'server-unavailable'],
    [{ kind: 'failed', code: 'forbidden', message: 'no', operatorMessage: '' }, 'forbidden'],
    [{ kind: 'insufficient-scope', challengedScopes: ['x'] }, 'forbidden'],
    [{ kind: 'key-missing', kid: 'k1' }, 'misconfigured'],
    [{ kind: 'misconfigured', message: 'no' }, 'misconfigured'],
    [{ kind: 'failed', code: 'result-too-large', message: 'big', operatorMessage: '' }, 'misconfigured'],
    [{ ...LISTED, paused: true }, 'server-unavailable'],
  ])('says of %j: %s', async ([outcome, code]) => {
    const answer = await preflight([{ mcpServerId: 'files', tool: 'read' }], { files: outcome });

    expect(answer.json()).toEqual({
      ready: false,
      problems: [{ mcpServerId: 'files', account: 'default', tool: 'read', code }],
    });
  });

  test.for<[string, unknown]>([
    ['no calls', []],
    ['51 calls', Array(51).fill({ mcpServerId: 'files' })],
    ['an unknown field', [{ mcpServerId: 'files', arguments: {} }]],
    ['no server', [{ tool: 'read' }]],
    ['an empty account', [{ mcpServerId: 'files', account: '' }]],
  ])('refuses %s', async ([_what, calls]) => {
    const answer = await preflight(calls);

    expect(answer.statusCode).toBe(400);
    expect(asked).toEqual([]);
  });

  test('needs a token', async () => {
    const answer = await fixture.app.inject({ method: 'POST', url: '/preflight', payload: { calls: [] } });
    expect(answer.statusCode).toBe(401);
  });
});
