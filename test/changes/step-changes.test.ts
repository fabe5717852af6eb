import { describe, expect, vi } from 'vitest';
import { readChanges, watchUser } from '../../src/changes/watched-user-store.ts';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld().extend('watch', ({ world }) => async (user: string) => {
  const { db } = world.services;
  let seen = await watchUser(db, user);
  /** Resolves when the user's change number has moved since the last call. */
  return () =>
    vi.waitFor(
      async () => {
        const change = (await readChanges(db, [user])).get(user) ?? '';
        expect(change).not.toBe(seen);
        seen = change;
      },
      { timeout: 10_000 },
    );
});

describe("a worker notes a watched user's", () => {
  test('pause, resumption by a deposit, and end', async ({ world, watch }) => {
    const user = world.users.newUser();
    const changed = await watch(user);
    const { stepId } = await world.steps.start(user);
    await changed();
    await world.steps.until(user, stepId, 'awaiting-input');
    await changed().catch(() => {});

    const held = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
    await world.users.connect(user);
    await held.reached();
    await changed();
    held.release();
    await world.steps.until(user, stepId, 'success');
    await changed();
  });
});
