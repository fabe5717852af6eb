import { expect, test } from 'vitest';
import { preflightMcpTools } from '../../src/workflows/list-mcp-tools.ts';
import { preflightProblems } from '../../src/workflows/tools/preflight-input.ts';

const CALL = { mcpServerId: 'ledger', tool: 'create_invoice' };
const LENGTH = 'calls must be a list of 1 to 50 calls';

test.for<[what: string, calls: unknown, message: string]>([
  ['no list', 'ledger', LENGTH],
  ['no calls', [], LENGTH],
  ['51 calls of one account', Array(51).fill(CALL), LENGTH],
  ['no calls at all', null, 'calls is required'],
  ['a call that is a text', [CALL, 'ledger'], 'calls[1] must be an object'],
  ['a call without a server', [{ tool: 'echo' }], 'calls[0].mcpServerId is required'],
  ['an empty account', [{ ...CALL, account: '' }], 'calls[0].account must be a text of 1 to 255 characters'],
  ['a tool that is a number', [{ ...CALL, tool: 7 }], 'calls[0].tool must be a text of 1 to 255 characters'],
  ['an unknown field', [{ ...CALL, server: 'x' }], 'calls[0].server is not a known field'],
])('a pre-flight with %s is refused and starts nothing', async ([_what, calls, message]) => {
  // The cast lets the test send what the type forbids. Outside a workflow, starting anything would throw another error.
  const refused = preflightMcpTools({ userId: 'ada', calls: calls as never });
  await expect(refused).rejects.toMatchObject({ type: 'invalid-arguments', nonRetryable: true, message });
});

test('a pre-flight may have 50 calls, and null for what a call leaves out', () => {
  const calls = Array(50).fill({ mcpServerId: 'ledger', account: null, tool: null });
  expect(preflightProblems({ userId: 'ada', calls })).toEqual([]);
});
