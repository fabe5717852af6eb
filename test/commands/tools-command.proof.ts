import { describe, expect, onTestFinished, test } from 'vitest';
import { latchkey } from './latchkey.ts';
import { problem, type ScriptedAnswer, startScriptedApi } from './scripted-api.ts';

const TOOLS = { tools: [{ name: 'read_file', description: 'Reads\na file', inputSchema: {} }] };
const PREFLIGHT = 'POST /preflight';
const READY = { ready: true, problems: [] };
const NOT_READY = {
  ready: false,
  problems: [{ mcpServerId: 'files', account: 'default', tool: 'write', code: 'unknown-tool' }],
};

async function tools(routes: Record<string, ScriptedAnswer[]>, ...args: string[]) {
  const api = await startScriptedApi(routes);
  onTestFinished(api.close);
  const variables = { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: 'token-of-ada' };
  return { api, ended: await latchkey(variables, 'tools', ...args).ended };
}

describe('latchkey tools list', () => {
  test('prints a line a tool in a pipe, and what the API answered with --json', async () => {
    const routes = { 'GET /list-mcp-tools?mcpServerId=files&account=work': [[200, TOOLS] as ScriptedAnswer] };
    const plain = await tools(routes, 'list', 'files', '--account', 'work');
    expect(plain.ended).toMatchObject({ code: 0, stdout: 'read_file\tReads a file\n' });

    const json = await tools(routes, 'list', 'files', '--account', 'work', '--json');
    expect(JSON.parse(json.ended.stdout)).toEqual(TOOLS);
  });

  test('says why the API refused, with exit code 1', async () => {
    const refused = problem(409, 'needs-oauth-reauth', 'The user has to connect this server first.');
    const { ended } = await tools({ 'GET /list-mcp-tools?mcpServerId=files': [refused] }, 'list', 'files');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('(needs-oauth-reauth)');
  });
});

describe('latchkey tools preflight', () => {
  test('asks about all calls at once, and ends with 0 if they can be made', async () => {
    const { api, ended } = await tools(
      { [PREFLIGHT]: [[200, READY]] },
      'preflight',
      'files/read_file',
      'crm:work/create_invoice',
    );
    expect(ended).toMatchObject({ code: 0, stdout: 'Ready: all of these calls can be made now.\n' });
    expect(api.requests).toEqual([
      `${PREFLIGHT} ${JSON.stringify({
        calls: [
          { mcpServerId: 'files', tool: 'read_file' },
          { mcpServerId: 'crm', account: 'work', tool: 'create_invoice' },
        ],
      })}`,
    ]);
  });

  test('names the problems, and ends with 1', async () => {
    const plain = await tools({ [PREFLIGHT]: [[200, NOT_READY]] }, 'preflight', 'files/write');
    expect(plain.ended).toMatchObject({
      code: 1,
      stdout: 'files, tool write: the server has no such tool that can be called (unknown-tool)\n',
      stderr: '',
    });
    const json = await tools({ [PREFLIGHT]: [[200, NOT_READY]] }, 'preflight', 'files/write', '--json');
    expect(json.ended.code).toBe(1);
    expect(JSON.parse(json.ended.stdout)).toEqual(NOT_READY);
  });

  test('refuses a call that it can not read, and asks nothing', async () => {
    const { api, ended } = await tools({ [PREFLIGHT]: [[200, READY]] }, 'preflight', 'files', '/read');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('must be <server>');
    expect(api.requests).toEqual([]);
  });

  test('shows an example in its help', async () => {
    const { ended } = await tools({}, 'preflight', '--help');
    expect(ended.stdout).toContain('npx latchkey tools preflight files/read_file crm:work/create_invoice');
    expect(ended.stdout).toContain('LATCHKEY_URL');
  });
});
