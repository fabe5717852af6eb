import { describe, expect, test } from 'vitest';
import { userConnectionsTable, userStepsTable } from '../../src/commands/admin-report.ts';
import { parseSince } from '../../src/commands/since.ts';

describe('--since', () => {
  test.for([
    ['2026-11-26T12:00:00+01:00', '2026-11-26T11:00:00.000Z'],
    ['2026-11-26', '2026-11-26T00:00:00.000Z'],
    ['0001-01-01', '1970-01-01T00:00:00.000Z'],
  ])('%s is a moment', ([text, moment]) => {
    expect(parseSince(text ?? '')).toBe(moment);
  });

  test('may be a duration ago', () => {
    const since = Date.parse(parseSince('24h'));
    const ago = Date.now() - since;
    expect(ago).toBeGreaterThanOrEqual(86_400_000);
    expect(ago).toBeLessThan(86_400_000 + 60_000);
  });

  test.for(['', 'yesterday', '2026-13-01', '26.11.2026'])('%j is refused', (text) => {
    expect(() => parseSince(text)).toThrow(/a date, or a duration/);
  });
});

describe('what is printed in a pipe', () => {
  test('of a step is its user, and why it waits or failed', () => {
    const step = { stepId: 's', mcpServerId: 'm', account: 'default', tool: 't', createdAt: '2026-11-26' };
    const steps = [
      { ...step, userId: 'a\u001bda', status: 'awaiting-input', awaitingInputReason: 'needs-approval' },
      { ...step, userId: 'bob', status: 'error', error: { code: 'tool-error' } },
    ];
    expect(userStepsTable(steps, false)).toBe(
      'a da\ts\tm\tdefault\tt\tawaiting-input\tneeds-approval\t2026-11-26\n' +
        'bob\ts\tm\tdefault\tt\terror\ttool-error\t2026-11-26\n',
    );
    expect(userStepsTable([], false)).toBe('');
    expect(userStepsTable([], true)).toBe('No steps.\n');
  });

  test('of a connection is its user and status', () => {
    const of = { userId: 'ada', mcpServerId: 'm', account: 'work', updatedAt: '2026-11-26' };
    const connection = { ...of, status: 'reauth-required', reason: 'invalid-grant', waitingSteps: 3 };
    expect(userConnectionsTable([connection], false)).toBe(
      'ada\tm\twork\treauth-required\tinvalid-grant\t3\t2026-11-26\n',
    );
  });
});
