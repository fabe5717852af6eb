import { describe, expect, test } from 'vitest';
import { type Explained, readExplained } from '../../bench/growth/explained.ts';
import { createStatements, sideBySide, titleOf } from '../../bench/growth/statements.ts';

const node = (type: string, more: object = {}) => ({ 'Node Type': type, 'Actual Loops': 1, ...more });

function noticeOf(text: string, plan: object): string {
  return `duration: 12.340 ms  plan:\n${JSON.stringify({ 'Query Text': text, Plan: plan })}`;
}

describe('a notice of auto_explain', () => {
  test('names the indexes and the tables that were read from end to end', () => {
    const plan = node('ModifyTable', {
      'Relation Name': 'mcp_credential',
      'Conflict Arbiter Indexes': ['mcp_credential_pkey'],
      'Shared Hit Blocks': 40,
      'Shared Read Blocks': 2,
      Plans: [
        node('Index Scan', { 'Relation Name': 'mcp_server', 'Index Name': 'mcp_server_pkey' }),
        node('Hash', { Plans: [node('Seq Scan', { 'Relation Name': 'mcp_step_waiter' })] }),
      ],
    });

    expect(readExplained(noticeOf('UPDATE mcp_credential\n  SET a = 1 -- why\n', plan))).toEqual({
      text: 'UPDATE mcp_credential SET a = 1',
      ms: 12.34,
      buffers: 42,
      indexes: ['mcp_credential_pkey', 'mcp_server_pkey'],
      scanned: ['mcp_step_waiter'],
    });
  });

  test('leaves out the branches that were not run', () => {
    const plan = node('Append', {
      Plans: [
        node('Seq Scan', { 'Relation Name': 'mcp_step_waiter', 'Actual Loops': 0 }),
        node('Index Scan', { 'Index Name': 'unused', 'Actual Loops': 0 }),
      ],
    });

    expect(readExplained(noticeOf('SELECT 1', plan))).toMatchObject({ indexes: [], scanned: [], buffers: 0 });
  });

  test('is told from another notice', () => {
    expect(readExplained('relation "a" already exists, skipping')).toBeUndefined();
  });
});

const run = (more: Partial<Explained>): Explained => ({
  text: 'SELECT FROM mcp_credential',
  ms: 1,
  buffers: 4,
  indexes: ['a'],
  scanned: [],
  ...more,
});

describe('the statements', () => {
  test('come to the median time, the most pages, and to every index and growing table of any execution', () => {
    const statements = createStatements(['mcp_credential']);
    statements.add('call', 'readConnection', [
      run({ ms: 1 }),
      run({ ms: 9, scanned: ['mcp_version_floor'] }),
    ]);
    statements.add('waiters', 'registerWaiter', [
      run({ ms: 2, buffers: 9, indexes: ['b'], scanned: ['mcp_credential'] }),
    ]);
    statements.add('call', 'readConnection', [run({ text: 'BEGIN' })]);

    expect(statements.measured()).toEqual([
      {
        path: 'call',
        operation: 'readConnection',
        text: 'SELECT FROM mcp_credential',
        indexes: ['a', 'b'],
        scanned: ['mcp_credential'],
        ms: 2,
        buffers: 9,
      },
    ]);
  });

  test('are compared by their text, at each size', () => {
    const of = (ms: number, index: string, scanned: string[] = []) => ({
      ...run({ ms, indexes: [index], scanned }),
      path: 'call',
      operation: 'readConnection',
    });

    expect(sideBySide([[of(1, 'a', ['mcp_server'])], [of(3, 'b', ['mcp_credential'])]])).toEqual([
      {
        path: 'call',
        operation: 'readConnection',
        text: 'SELECT FROM mcp_credential',
        indexes: ['a', 'b'],
        scanned: ['mcp_credential'],
        at: [
          { ms: 1, buffers: 4 },
          { ms: 3, buffers: 4 },
        ],
      },
    ]);
    expect(() => sideBySide([[of(1, 'a')], []])).toThrow(/not executed at each size: SELECT/);
    expect(() => sideBySide([[], [of(1, 'a')]])).toThrow(/not executed at each size: SELECT/);
  });

  test.each([
    [
      'INSERT INTO mcp_step_waiter (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2',
      'INSERT mcp_step_waiter',
    ],
    ['WITH due AS (SELECT a FROM mcp_waiter) DELETE FROM mcp_credential', 'DELETE mcp_credential'],
    ['DELETE FROM public.mcp_audit_event WHERE id IN (SELECT 1)', 'DELETE mcp_audit_event'],
    ['SELECT a FROM mcp_credential WHERE b = 1 FOR UPDATE', 'SELECT mcp_credential'],
    [
      'SELECT (SELECT max(a) FROM mcp_version_floor), (SELECT 1) FROM mcp_server s LEFT JOIN mcp_credential c ON true',
      'SELECT mcp_server',
    ],
    ['SELECT mcp_take_call_place($1) AS taken', 'SELECT mcp_take_call_place'],
  ])('%s is %s', (text, title) => {
    expect(titleOf(text)).toBe(title);
  });
});
