import { TypedSearchAttributes } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { MEMO_KEY, STATE_MEMO, stepMemo } from '../../src/contracts/step-memo.ts';
import { isCreatedWithin, mayBeCreatedWithin } from '../../src/steps/created-within.ts';
import type { Execution } from '../../src/steps/step-summary.ts';

const CREATED_AT = '2026-03-04T05:06:07.089Z';
const STEP = stepMemo({ userId: 'ada', mcpServerId: 'notes', tool: 'add', stepId: 's' });

describe('a step is found by the time that it shows', () => {
  test.each([
    { from: '2026-03-04T05:06:07.089Z', to: '2026-03-04T05:06:07.089Z', isFound: true },
    { from: '2026-03-04T05:06:07.090Z', to: '2026-03-04T05:07:00Z', isFound: false },
    { from: '2026-03-04T05:06:00Z', to: '2026-03-04T05:06:07.088Z', isFound: false },
    { from: '2026-03-04T05:06:07.089Z', to: undefined, isFound: true },
    { from: '2026-03-04T05:06:07.090Z', to: undefined, isFound: false },
  ])('from $from to $to: $isFound', ({ from, to, isFound }) => {
    const span = { from: new Date(from), ...(to !== undefined && { to: new Date(to) }) };
    const execution = executionOf(5, { [MEMO_KEY]: { ...STEP, createdAt: CREATED_AT } });

    expect(isCreatedWithin(execution, span)).toBe(isFound);
  });

  test('also after it has continued as new', () => {
    const state = { ...STEP, status: 'running', createdAt: CREATED_AT, updatedAt: CREATED_AT };
    const continued = executionOf(86_400_000, { [STATE_MEMO]: state });

    expect(isCreatedWithin(continued, { from: new Date(CREATED_AT), to: new Date(CREATED_AT) })).toBe(true);
  });
});

describe('the query', () => {
  test('covers all times at which Temporal may have started such a step', () => {
    const span = { from: new Date('2026-03-04T05:00:00Z'), to: new Date('2026-03-04T06:00:00Z') };

    expect(mayBeCreatedWithin(span)).toBe(
      "StartTime BETWEEN '2026-03-04T04:59:59.000Z' AND '2026-03-04T06:01:00.000Z'",
    );
  });

  test('has years of four digits', () => {
    expect(mayBeCreatedWithin({ from: new Date('-000001-01-01T00:00:00Z') })).toBe(
      "StartTime BETWEEN '0000-01-01T00:00:00.000Z' AND '9999-12-31T23:59:59.999Z'",
    );
  });
});

/** Started by Temporal so many milliseconds after the step was created. */
function executionOf(startTook: number, memo: Record<string, unknown>): Execution {
  return {
    type: 'mcpStep',
    workflowId: 'step/ada/s',
    status: { code: 1, name: 'RUNNING' },
    startTime: new Date(Date.parse(CREATED_AT) + startTook),
    typedSearchAttributes: new TypedSearchAttributes(),
    memo,
  };
}
