import { describe, expect, test } from 'vitest';
import { deleteInRounds } from '../../src/activities/delete-in-rounds.ts';

const NEVER = new AbortController().signal;

/** Kinds with so many batches of one row each, and the order in which they were asked. */
function backlog(batches: Record<string, number>) {
  const asked: string[] = [];
  const left = { ...batches };
  const kinds = Object.keys(batches).map((kind) => {
    const batch = async () => {
      asked.push(kind);
      const more = left[kind] ?? 0;
      left[kind] = Math.max(0, more - 1);
      return Math.min(more, 1);
    };
    return [kind, batch] as const;
  });
  return { asked, kinds: Object.fromEntries(kinds) };
}

describe('deleting in rounds', () => {
  test('continues until nothing is left, taking each kind in turn', async () => {
    const { asked, kinds } = backlog({ many: 2, few: 1, none: 0 });

    expect(await deleteInRounds(kinds, NEVER)).toEqual({ many: 2, few: 1, none: 0 });

    expect(asked).toEqual(['many', 'few', 'none', 'many', 'few', 'many']);
  });

  test('deletes from every kind once even when time is already up', async () => {
    const { kinds } = backlog({ many: 1_000, few: 1 });

    expect(await deleteInRounds(kinds, AbortSignal.abort())).toEqual({ many: 1, few: 1 });
  });

  test('stops in the middle of a later round when time is up', async () => {
    const time = new AbortController();
    const { kinds } = backlog({ one: 9, two: 9, three: 9 });
    let rounds = 0;
    const two = async () => {
      rounds += 1;
      if (rounds === 2) time.abort();
      return 1;
    };

    expect(await deleteInRounds({ ...kinds, two }, time.signal)).toEqual({ one: 2, two: 2, three: 1 });
  });

  test('names every kind that failed at the end and does not try it again', async () => {
    const { asked, kinds } = backlog({ many: 2 });
    let tries = 0;
    const broken = async () => {
      tries += 1;
      throw new Error('a lock');
    };

    const failing = deleteInRounds({ broken, worse: broken, ...kinds }, NEVER);

    await expect(failing).rejects.toMatchObject({
      errors: [
        { message: 'could not delete broken', cause: { message: 'a lock' } },
        { message: 'could not delete worse', cause: { message: 'a lock' } },
      ],
    });
    expect(tries).toBe(2);
    expect(asked).toHaveLength(3);
  });
});
