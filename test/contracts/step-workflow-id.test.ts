import { describe, expect, test } from 'vitest';
import {
  fairnessKey,
  isPlainlyOf,
  listingWorkflowId,
  listingWorkflowIdProblems,
  resumeServerWorkflowId,
  resumeWorkflowId,
  revokeWorkflowId,
  revokeWorkflowIds,
  stepWorkflowId,
  stepWorkflowIds,
} from '../../src/contracts/step-workflow-id.ts';

const LONG = 'ü'.repeat(60);
/** Another user's id: the hash that earlier versions used for the long id. */
const HASH = stepWorkflowIds(LONG, 's')[1]?.split('/')[1] ?? '';

describe('no workflow id of one user is one of another', () => {
  test('whose id is the hash of the long one', () => {
    expect(HASH).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(stepWorkflowId(LONG, 's')).not.toBe(stepWorkflowId(HASH, 's'));
    expect(resumeWorkflowId({ userId: LONG, mcpServerId: 'm' }, 1)).not.toBe(
      resumeWorkflowId({ userId: HASH, mcpServerId: 'm' }, 1),
    );
    expect(revokeWorkflowId({ userId: LONG, mcpServerId: 'm' }, 1)).not.toBe(
      revokeWorkflowId({ userId: HASH, mcpServerId: 'm' }, 1),
    );
  });

  test('whose id is the current short form of the long one, with its mark', () => {
    const marked = stepWorkflowId(LONG, 's').split('/')[1] ?? '';
    expect(marked.startsWith('%~')).toBe(true);
    expect(stepWorkflowId(marked, 's')).not.toBe(stepWorkflowId(LONG, 's'));
  });
});

describe('the id of a server resumption', () => {
  const idOf = (mcpServerId: string, resumption = 7) => resumeServerWorkflowId({ mcpServerId, resumption });

  test('names the server and the resumption', () => {
    expect(idOf('team/notes')).toBe('resume-server/team%2Fnotes/7');
  });

  test('is another one for each server and each resumption, and fits', () => {
    const long = 'ü'.repeat(255);
    const ids = [idOf('a'), idOf('a', 8), idOf('b'), idOf(long), idOf(`${long}x`)];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(255);
  });
});

describe('a fairness key', () => {
  const LONGER = 'u'.repeat(65);

  test('is the id of the user where it fits', () => {
    for (const userId of ['alice', 'u'.repeat(64), 'ü'.repeat(32)]) expect(fairnessKey(userId)).toBe(userId);
  });

  test('is never the id or the key of another user, and fits', () => {
    const key = fairnessKey(LONGER);
    const users = [LONGER, `${LONGER}u`, key, key.replace('%~', ''), '%~'];
    const keys = users.map(fairnessKey);
    expect(new Set([...keys, ...users.slice(0, 3)]).size).toBe(keys.length + 2);
    for (const one of keys) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(64);
  });
});

test("the id of an earlier version's revocation is still recognized", () => {
  expect(revokeWorkflowIds({ userId: LONG, mcpServerId: 'm' }, 1)).toStrictEqual([
    revokeWorkflowId({ userId: LONG, mcpServerId: 'm' }, 1),
    `revoke/${HASH}/m/1`,
  ]);
  expect(revokeWorkflowIds({ userId: 'alice', mcpServerId: 'm' }, 1)).toStrictEqual(['revoke/alice/m/1']);
});

describe('a workflow id names its user', () => {
  test.each([
    ['alice', 'step/alice/s'],
    ['a b', 'step/a%20b/s'],
    [LONG, stepWorkflowId(LONG, 's')],
  ])('of %s: %s', (user, id) => {
    expect(isPlainlyOf(id, user)).toBe(true);
  });

  test.each([
    ['alice', 'step/Alice/s'],
    ['alice', 'step/alicex/s'],
    ['alice', 'step/%61lice/s'],
    ['caf\u00e9', 'step/cafe%CC%81/s'],
    [HASH, `step/${HASH}/s`],
    [LONG, `step/${HASH}/s`],
  ])('and not %s: %s', (user, id) => {
    expect(isPlainlyOf(id, user)).toBe(false);
  });
});

test.each([
  ['alice', 'tools/alice/l', 0],
  ['a b', 'tools/a%20b/l', 0],
  [LONG, listingWorkflowId({ userId: LONG }, 'l'), 0],
  ['bob', 'step/alice/l', 0],
  ['bob', 'tools/alice/l/more', 0],
  ['bob', 'tools/alice/l', 1],
  ['Alice', 'tools/alice/l', 1],
])('a listing of %s may have the id %s, or not: %i problems', (user, id, problems) => {
  expect(listingWorkflowIdProblems(id, user)).toHaveLength(problems);
});
