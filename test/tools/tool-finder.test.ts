import { describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ToolDescription } from '../../src/contracts/step.ts';
import { createListBudget } from '../../src/tools/list-budget.ts';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { createToolFinder, type ToolFinderDependencies } from '../../src/tools/tool-finder.ts';
import { NOT_CONNECTED } from './not-connected.ts';

const KEY: CredentialKey = { userId: 'alice', mcpServerId: 'notes' };
const TOOL: ToolDescription = { name: 'a', inputSchema: { type: 'object' } };
const LISTED: ListUserToolsOutcome = { kind: 'listed', tools: [TOOL] };

function create(
  answer: () => ListUserToolsOutcome | Promise<ListUserToolsOutcome>,
  more: Partial<ToolFinderDependencies> = {},
) {
  const asked: CredentialKey[] = [];
  const clock = { ms: 0 };
  const finder = createToolFinder({
    async listTools(key) {
      asked.push(key);
      return answer();
    },
    now: () => clock.ms,
    ...more,
  });
  return { finder, asked, clock };
}

describe('a tool', () => {
  test('is found by its name, without what pages do not show', async () => {
    const { finder } = create(() => ({
      kind: 'listed',
      tools: [{ ...TOOL, outputSchema: { type: 'object' }, icons: [{ src: 'https://a.example/i' }] }],
    }));
    expect(await finder.find(KEY, 'a')).toEqual({ kind: 'found', tool: TOOL });
    expect(await finder.find(KEY, 'b')).toEqual({ kind: 'unavailable', why: { kind: 'unknown-tool' } });
  });

  test('costs one request a minute, for each user, server and account', async () => {
    const { finder, asked, clock } = create(() => LISTED);
    await Promise.all([finder.find(KEY, 'a'), finder.find(KEY, 'b'), finder.list(KEY)]);
    clock.ms = 59_999;
    await finder.find({ ...KEY, account: 'default' }, 'a');
    expect(asked).toHaveLength(1);
    await finder.find({ ...KEY, account: 'work' }, 'a');
    await finder.find({ ...KEY, userId: 'bob' }, 'a');
    await finder.find({ ...KEY, mcpServerId: 'other' }, 'a');
    expect(asked).toHaveLength(4);
    clock.ms = 60_000;
    await finder.find(KEY, 'a');
    expect(asked).toHaveLength(5);
  });

  test('is asked for again once its list is bound to something else', async () => {
    let binding = 'one';
    const { finder, asked } = create(() => LISTED, { bindingOf: async () => binding });
    await finder.find(KEY, 'a');
    await finder.list(KEY);
    expect(asked).toHaveLength(1);
    binding = 'two';
    await finder.find(KEY, 'a');
    expect(asked).toHaveLength(2);
  });

  test('of a list that is too large to be kept is kept itself', async () => {
    const large = { ...TOOL, name: 'large', description: 'x'.repeat(2_200_000) };
    const { finder, asked, clock } = create(() => ({ kind: 'listed', tools: [TOOL, large] }));
    for (let render = 0; render < 3; render += 1)
      expect(await finder.find(KEY, 'a')).toEqual({ kind: 'found', tool: TOOL });
    expect(asked).toHaveLength(1);
    clock.ms = 60_000;
    await finder.find(KEY, 'a');
    expect(asked).toHaveLength(2);
  });

  test('of a server that is down is asked for again after five seconds', async () => {
    const down: ListUserToolsOutcome = { kind: 'unavailable', cause: 'reset' };
    const { finder, asked, clock } = create(() => down);
    expect(await finder.find(KEY, 'a')).toEqual({ kind: 'unavailable', why: down });
    clock.ms = 4_999;
    await finder.find(KEY, 'a');
    expect(asked).toHaveLength(1);
    clock.ms = 5_000;
    await finder.find(KEY, 'a');
    expect(asked).toHaveLength(2);
  });

  test('of a server that the user connects meanwhile is found at once', async () => {
    let outcome: ListUserToolsOutcome = NOT_CONNECTED;
    const { finder } = create(() => outcome);
    expect(await finder.find(KEY, 'a')).toMatchObject({ why: { kind: 'reauth-required' } });
    outcome = LISTED;
    expect(await finder.find(KEY, 'a')).toMatchObject({ kind: 'found' });
  });

  test('of a slow server is found by the next page', async () => {
    let answer: (outcome: ListUserToolsOutcome) => void = () => {};
    const answered = new Promise<ListUserToolsOutcome>((resolve) => {
      answer = resolve;
    });
    const { finder, asked } = create(() => answered, { waitMs: 1 });
    expect(await finder.find(KEY, 'a')).toEqual({ kind: 'unavailable', why: { kind: 'slow' } });
    answer(LISTED);
    await expect.poll(() => finder.find(KEY, 'a')).toMatchObject({ kind: 'found' });
    expect(asked).toHaveLength(1);
  });

  test('is not found without room in the budget, and a failed list is not kept', async () => {
    const lists = createListBudget({ maxRequestsPerUser: 1, waitMs: 1 });
    const reading = await lists.enter('alice');
    let fails = true;
    const { finder } = create(
      () => {
        if (fails) throw new Error('broken');
        return LISTED;
      },
      { lists },
    );
    expect(await finder.find(KEY, 'a')).toEqual({ kind: 'unavailable', why: { kind: 'busy' } });
    reading?.end();
    await expect(finder.find(KEY, 'a')).rejects.toThrow('broken');
    fails = false;
    expect(await finder.find(KEY, 'a')).toMatchObject({ kind: 'found' });
  });

  test('is kept for a few hundred users at most, the latest', async () => {
    const { finder, asked } = create(() => LISTED);
    for (let n = 0; n <= 300; n += 1) await finder.list({ ...KEY, userId: `user-${n}` });
    await finder.list({ ...KEY, userId: 'user-300' });
    expect(asked).toHaveLength(301);
    await finder.list({ ...KEY, userId: 'user-0' });
    expect(asked).toHaveLength(302);
  });

  test('of a list of many megabytes is found, and the list is not kept', async () => {
    const tools = Array.from({ length: 300 }, (_, n) => ({
      ...TOOL,
      name: `${n}`,
      description: 'x'.repeat(10_000),
    }));
    const { finder, asked } = create(() => ({ kind: 'listed', tools }));
    expect(await finder.find(KEY, '299')).toMatchObject({ kind: 'found' });
    await finder.list(KEY);
    expect(asked).toHaveLength(2);
  });
});
