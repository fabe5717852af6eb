import { describe, expect, test } from 'vitest';
import { parsePlannedCall } from '../../src/commands/planned-call.ts';
import { preflightReport, toolsTable } from '../../src/commands/tools-report.ts';

describe('a planned call of the command line', () => {
  test.for([
    ['files', { mcpServerId: 'files' }],
    ['files/read_file', { mcpServerId: 'files', tool: 'read_file' }],
    ['crm:work', { mcpServerId: 'crm', account: 'work' }],
    ['crm:work/create_invoice', { mcpServerId: 'crm', account: 'work', tool: 'create_invoice' }],
    ['a%2Fb%3Ac:d:e/f/g:h', { mcpServerId: 'a/b:c', account: 'd:e', tool: 'f/g:h' }],
  ] as const)('%s is read', ([text, call]) => {
    expect(parsePlannedCall(text)).toEqual(call);
  });

  test.for(['', '/read', 'crm:/read', 'crm/', 'crm:', 'a%ZZ', 'a%00'])('%j is refused', (text) => {
    expect(() => parsePlannedCall(text)).toThrow(/must be <server>/);
  });
});

describe('what is printed', () => {
  test('says that all calls can be made, or what stands in the way of each', () => {
    expect(preflightReport({ ready: true, problems: [] })).toBe(
      'Ready: all of these calls can be made now.\n',
    );
    const report = preflightReport({
      ready: false,
      problems: [
        { mcpServerId: 'files', account: 'default', tool: 'wri\u001bte', code: 'unknown-tool' },
        {
          mcpServerId: 'crm',
          account: 'work',
          code: 'needs-oauth-reauth',
          connectUrl: 'https://l/connect/crm',
        },
      ],
    });
    expect(report).toBe(
      'files, tool wri te: the server has no such tool that can be called (unknown-tool)\n' +
        'crm, account work: the account has to be connected (needs-oauth-reauth). Connect at https://l/connect/crm\n',
    );
  });

  test('shortens descriptions for a person, not for a program', () => {
    const tools = [{ name: 'read', description: 'x'.repeat(200), inputSchema: {} }];
    expect(toolsTable(tools, true)).toContain(`${'x'.repeat(79)}…`);
    expect(toolsTable(tools, false)).toBe(`read\t${'x'.repeat(200)}\n`);
    expect(toolsTable([], true)).toBe('No tools.\n');
    expect(toolsTable([], false)).toBe('');
  });
});
