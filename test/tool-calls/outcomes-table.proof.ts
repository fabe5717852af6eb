import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import type { AwaitingInputReason, StepErrorCode, StepView } from '../../src/contracts/step.ts';
import type { FailureCause } from '../../src/mcp/port.ts';
import { testInWorld } from '../support/fixtures.ts';
import { CONDITIONS } from './conditions.ts';
import { readOutcomesTable } from './outcomes-table.ts';

// Each a record, so that a word that the code gains fails to compile here until it is listed.
const CODES: Record<StepErrorCode, true> = {
  'tool-error': true,
  'unknown-tool': true,
  'invalid-arguments': true,
  forbidden: true,
  'server-unavailable': true,
  'protocol-error': true,
  'result-too-large': true,
  'reauth-timed-out': true,
  'approval-timed-out': true,
  'outcome-unknown': true,
  misconfigured: true,
};
const REASONS: Record<AwaitingInputReason, true> = {
  'needs-oauth-reauth': true,
  'needs-oauth-scope': true,
  'needs-approval': true,
  'outcome-unknown': true,
};
const CAUSES: Record<FailureCause, true> = {
  'address-refused': true,
  'dns-failed': true,
  'connect-refused': true,
  'connect-timeout': true,
  'tls-failed': true,
  'proxy-failed': true,
  'rate-limited': true,
  unavailable: true,
  'server-error': true,
  reset: true,
  timeout: true,
  cancelled: true,
  'stream-ended': true,
  flooded: true,
};

const ROWS = readOutcomesTable();

const test = testInWorld();

describe('docs/outcomes.md', () => {
  test('has each condition once, and the tests have the same conditions', () => {
    expect(ROWS.map(({ condition }) => condition).sort()).toEqual(Object.keys(CONDITIONS).sort());
  });

  test('names exactly the codes, reasons and causes of the code', () => {
    const named = (column: 'code' | 'cause') => new Set(ROWS.map((row) => row[column]));
    expect(Object.keys({ ...CODES, ...REASONS }).filter((word) => !named('code').has(word))).toEqual([]);
    expect([...named('code')].filter((word) => word !== '' && !(word in { ...CODES, ...REASONS }))).toEqual(
      [],
    );
    expect(Object.keys(CAUSES).filter((word) => !named('cause').has(word))).toEqual([]);
  });
});

describe.concurrent('the outcome of a call', { timeout: 120_000 }, () => {
  test.for(ROWS)('$condition', async (row, { expect, world, scripted }) => {
    const condition = CONDITIONS[row.condition];
    if (condition === undefined) throw new Error('a row that no test knows');
    if (typeof condition === 'object') {
      expect(readFileSync(new URL(`../../${condition.file}`, import.meta.url), 'utf8')).toContain(
        condition.test,
      );
      return;
    }
    const { step, calls } = await condition({ world, scripted });
    expect({
      status: step.status,
      code: codeOf(step),
      cause: causeOf(step),
      again: isRepeated(step, calls),
      asked: askedOf(step),
    }).toEqual({
      status: row.status,
      code: row.code,
      cause: row.cause,
      again: row.again,
      asked: row.asked,
    });
  });
});

function codeOf({ error, awaitingInputReason }: StepView): string {
  return error?.code ?? awaitingInputReason ?? '';
}

function causeOf({ timeline }: StepView): unknown {
  return timeline.map(({ cause, connectionReason }) => cause ?? connectionReason).findLast(Boolean) ?? '';
}

function isRepeated({ timeline }: StepView, calls: number): boolean {
  return calls > 1 || timeline.some(({ event }) => event === 'waiting-for-server');
}

function askedOf({ timeline, error }: StepView): string {
  if (error?.code === 'misconfigured') return 'the operator';
  return timeline.some(({ event }) => event === 'awaiting-input') ? 'the user' : 'nobody';
}
