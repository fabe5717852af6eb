import { describe, expect, vi } from 'vitest';
import { type ChangeHub, createChangeHub } from '../../src/changes/change-hub.ts';
import { deleteWatchOf, noteChanges, readChanges } from '../../src/changes/watched-user-store.ts';
import type { Db } from '../../src/db/pool.ts';
import { changesTest } from './fixtures.ts';

const test = changesTest.extend(
  'hubOn',
  ({ onTestFinished }) =>
    (db: Db, options: { isAway?: () => boolean } = {}) => {
      const statements: string[] = [];
      const asked: unknown[][] = [];
      const atOnce = { now: 0, most: 0 };
      const logger = { warn: vi.fn() };
      const query = async (sql: string, values: unknown[]) => {
        statements.push(sql);
        asked.push(values);
        if (options.isAway?.()) throw new Error('away');
        atOnce.now += 1;
        atOnce.most = Math.max(atOnce.most, atOnce.now);
        return db.query(sql, values).finally(() => {
          atOnce.now -= 1;
        });
      };
      // The cast is safe: only `query` with a text and values is used.
      const hub: ChangeHub = createChangeHub({ db: { query } as never, logger, askIntervalMs: 10 });
      onTestFinished(() => hub.close());
      return { hub, statements, asked, atOnce, logger };
    },
);

describe('the hub', () => {
  test('tells each stream of a user of a change, and those of others nothing', async ({
    db: { pool },
    hubOn,
  }) => {
    const { hub } = hubOn(pool);
    const told: string[] = [];
    for (const name of ['ada 1', 'ada 2', 'bob']) {
      await hub.follow(name.split(' ')[0] ?? '', () => told.push(name));
    }
    await noteChanges(pool, ['ada']);
    await vi.waitFor(() => expect(told).toEqual(['ada 1', 'ada 2']), { timeout: 20_000 });
    await noteChanges(pool, ['bob']);
    await vi.waitFor(() => expect(told).toEqual(['ada 1', 'ada 2', 'bob']), { timeout: 20_000 });
  });

  test.for([1, 200])(
    'asks with one statement at a time, also for %i users',
    async (count, { db: { pool }, hubOn }) => {
      const { hub, statements, asked, atOnce } = hubOn(pool);
      const users = Array.from({ length: count }, (_, at) => `u${at}`);
      const told = new Set<string>();
      for (const user of users) await hub.follow(user, () => told.add(user));
      await vi.waitFor(() => expect(statements.at(-1)).toMatch(/^SELECT/), { timeout: 20_000 });
      statements.length = 0;
      asked.length = 0;
      atOnce.most = 0;
      await noteChanges(pool, users);
      await vi.waitFor(() => expect(told.size).toBe(count), { timeout: 20_000 });
      expect(atOnce.most).toBe(1);
      expect(new Set(statements).size).toBe(1);
      for (const values of asked) expect(values).toEqual([users]);
    },
  );

  test('asks nothing while nobody looks', async ({ db: { pool }, hubOn }) => {
    const [idle, busy] = [hubOn(pool), hubOn(pool)];
    const told = vi.fn();
    const { stop } = await idle.hub.follow('ada', told);
    await busy.hub.follow('ada', () => {});
    await vi.waitFor(() => expect(idle.statements.length).toBeGreaterThan(2), { timeout: 20_000 });
    stop();
    const asked = idle.statements.length;
    await vi.waitFor(() => expect(busy.statements.length).toBeGreaterThan(asked + 5), { timeout: 20_000 });
    // One may have been under way.
    expect(idle.statements.length).toBeLessThanOrEqual(asked + 1);
    await noteChanges(pool, ['ada']);
    expect(told).not.toHaveBeenCalled();
  });

  test('tells of a watch that was deleted', async ({ db: { pool }, hubOn }) => {
    const { hub } = hubOn(pool);
    const told = vi.fn();
    await hub.follow('ada', told);
    await deleteWatchOf(pool, 'ada');
    await vi.waitFor(() => expect(told).toHaveBeenCalledWith('0'), { timeout: 20_000 });
  });

  test('goes on after an outage, which is logged once, and tells what changed meanwhile', async ({
    db: { pool },
    hubOn,
  }) => {
    let isAway = false;
    const { hub, statements, logger } = hubOn(pool, { isAway: () => isAway });
    const told = vi.fn();
    await hub.follow('ada', told);
    isAway = true;
    const before = statements.length;
    await vi.waitFor(() => expect(statements.length).toBeGreaterThan(before + 2), { timeout: 20_000 });
    await noteChanges(pool, ['ada']);
    isAway = false;
    const change = (await readChanges(pool, ['ada'])).get('ada');
    await vi.waitFor(() => expect(told).toHaveBeenCalledWith(change), { timeout: 20_000 });
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });
});
