import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { listUserTools } from '../../src/tools/list-user-tools.ts';
import { type CredentialFixture, createCredentialFixture } from '../credentials/credential-fixture.ts';
import { testAdapter } from '../mcp/test-adapter.ts';
import { httpStatus, type Reply, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';

let fixture: CredentialFixture;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

const speaksNewerOnly: Reply = (response, { id }) => {
  const error = { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } };
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
};

test.each([
  ['speaks no revision of ours', speaksNewerOnly, 'speaks 2026-07-28', 'speaks 2026-07-28'],
  [
    'redirects',
    httpStatus(301, { location: 'https://elsewhere.example/mcp?token=secret' }),
    'HTTP 301',
    'https://elsewhere.example/mcp',
  ],
])(
  'a tool list from a server that %s fails with a message to the user and a log line for the operator',
  async (...row) => {
    const [, reply, toUser, toOperator] = row;
    const server = await startScriptedMcpServer();
    server.on('initialize', reply);
    const lines: string[] = [];
    const { id } = await fixture.register({ url: server.url, auth: { type: 'none' } });
    const outcome = await listUserTools(
      {
        db: fixture.pool,
        vault: fixture.vault,
        renewal: fixture.renewal,
        mcp: testAdapter(),
        logger: createLogger({ level: 'warn', destination: { write: (line) => void lines.push(line) } }),
      },
      { userId: 'ada', mcpServerId: id },
    );
    await server.close();

    expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining(toUser) });
    expect(lines).toHaveLength(1);
    const [line = ''] = lines;
    expect(JSON.parse(line)).toMatchObject({
      mcpServerId: id,
      code: 'protocol-error',
      operatorMessage: expect.stringContaining(toOperator),
    });
    expect(line).not.toContain('secret');
  },
);
