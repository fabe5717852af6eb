import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { NOT_CONNECTED } from '../tools/not-connected.ts';
import { createHttpFixture, type HttpFixture, PUBLIC_URL } from './http-fixture.ts';

let fixture: HttpFixture;
let outcome: ListUserToolsOutcome = { kind: 'listed', tools: [] };
const asked: CredentialKey[] = [];
beforeAll(async () => {
  fixture = await createHttpFixture({
    deps: {
      listTools: async (key) => {
        asked.push(key);
        return outcome;
      },
    },
  });
});
afterAll(() => fixture.close());

function askFor(mcpServerId: string, result: ListUserToolsOutcome = outcome) {
  outcome = result;
  return fixture.ask({ url: '/list-mcp-tools', query: { mcpServerId } });
}

describe('listing tools', () => {
  test('answers them with a description each, for the user of the token', async () => {
    const inputSchema = { type: 'object', properties: { q: { type: 'string' } } };
    const answer = await askFor('a/b', {
      kind: 'listed',
      tools: [
        { name: 'search', description: 'Finds', inputSchema, annotations: { readOnlyHint: true } },
        { name: 'bare', inputSchema: {} },
      ],
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      tools: [
        { name: 'search', description: 'Finds', inputSchema, annotations: { readOnlyHint: true } },
        { name: 'bare', description: '', inputSchema: {} },
      ],
    });
    expect(asked.at(-1)).toEqual({ userId: 'alice', mcpServerId: 'a/b' });
  });

  test('answers an empty list as a list', async () => {
    expect((await askFor('notes', { kind: 'listed', tools: [] })).json()).toEqual({ tools: [] });
  });

  test('sends the user to the page where the server is connected', async () => {
    const answer = await askFor('a/b', NOT_CONNECTED);
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({
      code: 'needs-oauth-reauth',
      awaitingInputReason: 'needs-oauth-reauth',
      mcpServerId: 'a/b',
      account: 'default',
      connectUrl: `${PUBLIC_URL}/connect/a%2Fb`,
      reason: 'not-connected',
    });
  });

  test('answers for the account that is named, and names it in the link', async () => {
    outcome = NOT_CONNECTED;
    const query = { mcpServerId: 'notes', account: 'at work' };
    const answer = await fixture.ask({ url: '/list-mcp-tools', query });
    expect(asked.at(-1)).toEqual({ userId: 'alice', ...query });
    expect(answer.json()).toMatchObject({
      ...query,
      connectUrl: `${PUBLIC_URL}/connect/notes?account=at%20work`,
    });
    await fixture.ask({ url: '/list-mcp-tools', query: { ...query, account: 'default' } });
    expect(asked.at(-1)).toEqual({ userId: 'alice', mcpServerId: 'notes' });
  });

  test.each<[ListUserToolsOutcome, number, string]>([
    [{ kind: 'unknown-server' }, 404, 'unknown-server'],
    [{ kind: 'insufficient-scope', challengedScopes: ['write'] }, 502, 'forbidden'],
    [
      { kind: 'failed', code: 'forbidden', message: 'The MCP server refused.', operatorMessage: '' },
      502,
      'forbidden',
    ],
    [
      { kind: 'failed', code: 'protocol-error', message: 'No JSON-RPC.', operatorMessage: '' },
      502,
      'protocol-error',
    ],
    [
      { kind: 'failed', code: 'result-too-large', message: 'Too large.', operatorMessage: '' },
      502,
      'result-too-large',
    ],
    [{ kind: 'unavailable', cause: 'connect-refused' }, 502, 'server-unavailable'],
    [{ kind: 'token-endpoint-unavailable' }, 503, 'token-endpoint-unavailable'],
    [{ kind: 'key-missing', kid: 'k1' }, 503, 'encryption-key-missing'],
    [{ kind: 'misconfigured', message: 'Register the server again.' }, 503, 'misconfigured'],
  ])('turns %j into %i %s', async (result, status, code) => {
    const answer = await askFor('notes', result);
    expect(answer.statusCode).toBe(status);
    expect(answer.json().code).toBe(code);
  });

  test('repeats when to try again', async () => {
    const answer = await askFor('notes', { kind: 'unavailable', cause: 'rate-limited', retryAfterMs: 1_500 });
    expect(answer.headers['retry-after']).toBe('2');
  });

  test.each(['', '?mcpServerId=', '?mcpServerId=a&mcpServerId=b', '?mcpServerId=a&x=1', '?mcpServerId=a%00'])(
    'needs one server id and nothing else: %j',
    async (query) => {
      const before = asked.length;
      const answer = await fixture.ask({ url: `/list-mcp-tools${query}` });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      expect(asked).toHaveLength(before);
    },
  );
});
