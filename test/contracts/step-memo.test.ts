import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { McpStepInput } from '../../src/contracts/step.ts';
import {
  createdAtOf,
  isSameRequest,
  MEMO_KEY,
  requestHash,
  stepMemo,
} from '../../src/contracts/step-memo.ts';

const REQUEST: McpStepInput = { userId: 'alice', mcpServerId: 'notes', tool: 'add', stepId: 's' };

describe('timeouts that equal the default', () => {
  test.each<McpStepInput['timeouts']>([
    { call: '5m' },
    { call: '300s' },
    { approval: '30 days', reauth: '720h', resolution: '30d', unavailable: '24h' },
    { unavailable: '1d', call: '5 minutes' },
  ])('are the same request as without them: %j', (timeouts) => {
    const written = { ...REQUEST, ...(timeouts && { timeouts }) };
    expect(requestHash(written)).toBe(requestHash(REQUEST));
    expect(isSameRequest(REQUEST, requestHash({ ...written, mode: 'fully-automated' }))).toBe(true);
  });

  test.each<McpStepInput['timeouts']>([{ call: '6m' }, { approval: '24h' }, { call: '5m', reauth: '1h' }])(
    'differ from other timeouts: %j',
    (timeouts) => {
      expect(isSameRequest({ ...REQUEST, ...(timeouts && { timeouts }) }, requestHash(REQUEST))).toBe(false);
    },
  );

  test('are the same in the form of an earlier version', () => {
    const written = { ...REQUEST, timeouts: { call: '5m' } };
    const before = createHash('sha256')
      .update(
        '[["arguments",[]],["mcpServerId","notes"],["stepId","s"],["timeouts",[["call","5m"]]],["tool","add"],["userId","alice"]]',
      )
      .digest('base64url');
    expect(isSameRequest(written, before)).toBe(true);
    expect(isSameRequest({ ...written, timeouts: { call: '6m' } }, before)).toBe(false);
  });
});

describe('the time of a step’s creation', () => {
  const startTime = new Date('2026-03-04T05:06:07.089Z');
  const createdAtBy = (createdAt: unknown) =>
    createdAtOf({ [MEMO_KEY]: { ...stepMemo({ ...REQUEST, stepId: 's' }), createdAt } }, startTime);

  test.each(['2026-03-04T05:06:08.089Z', '2026-03-04T05:06:07.000Z', '2026-03-04T05:05:07.089Z'])(
    'is that of the program that started it, from a minute before Temporal’s to a second after it: %s',
    (createdAt) => {
      expect(createdAtBy(createdAt)).toBe(createdAt);
    },
  );

  test.each([
    ['is too far ahead', '2026-03-04T05:06:08.090Z'],
    ['is too far behind', '2026-03-04T05:05:07.088Z'],
    ['is not a date', 'today'],
    ['is a number', 1],
    ['is missing', undefined],
  ])('is Temporal’s where the time of the program that started it %s', (_, createdAt) => {
    expect(createdAtBy(createdAt)).toBe(startTime.toISOString());
  });

  test('is Temporal’s where a program without Latchkey’s client started it', () => {
    expect(createdAtOf({}, startTime)).toBe(startTime.toISOString());
  });
});
