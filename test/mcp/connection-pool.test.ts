import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Acquisition,
  type ConnectionPool,
  createConnectionPool,
} from '../../src/mcp/sdk/connection-pool.ts';

type Leased = Extract<Acquisition<string, string>, { kind: 'acquired' }>;

/** A pool of names, and the names that it opened and closed. */
function poolOf(maxConnections: number, idleMs = 60_000) {
  const opened: string[] = [];
  const closed: string[] = [];
  const pool = createConnectionPool<string, string>({
    maxConnections,
    idleMs,
    close: async (connection, usable) => void closed.push(usable ? connection : `${connection}, discarded`),
  });
  const open = (key: string) => async () => {
    opened.push(key);
    return { kind: 'opened' as const, connection: key };
  };
  return { pool, opened, closed, lease: (key: string) => leased(pool, key, open(key)) };
}

async function leased(
  pool: ConnectionPool<string, string>,
  key: string,
  open: Parameters<ConnectionPool<string, string>['acquire']>[1],
): Promise<Leased> {
  const lease = await pool.acquire(key, open);
  if (lease.kind !== 'acquired') throw new Error('refused');
  return lease;
}

describe('a connection pool', () => {
  test('opens once for all callers of a key, and once for each key', async () => {
    const { opened, lease } = poolOf(5);
    await Promise.all(['a', 'a', 'b', 'a'].map(lease));
    expect(opened).toEqual(['a', 'b']);
  });

  test('closes the one that has been idle longest when there are too many', async () => {
    const { closed, lease } = poolOf(2);
    for (const key of ['a', 'b', 'a', 'c']) (await lease(key)).release();
    await expect.poll(() => closed).toEqual(['b']);
  });

  test('never closes what is in use: the surplus is closed after use', async () => {
    const { closed, lease } = poolOf(2);
    const inUse = await Promise.all(['a', 'b', 'c', 'd'].map(lease));
    expect(closed).toEqual([]);
    for (const one of inUse) one.release();
    await expect.poll(() => closed).toEqual(['a', 'b']);
  });

  test('closes idle connections and not those in use', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { closed, lease } = poolOf(5, 1_000);
    (await lease('idle')).release();
    const used = await lease('used');
    (await lease('used again')).release();
    await vi.advanceTimersByTimeAsync(900);
    (await lease('used again')).release();
    await vi.advanceTimersByTimeAsync(900);
    expect(closed).toEqual(['idle']);
    used.release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(closed).toEqual(['idle', 'used again', 'used']);
  });

  test('gives a discarded one to no other caller and closes it after its last user', async () => {
    const { opened, closed, lease } = poolOf(5);
    const [first, second] = [await lease('a'), await lease('a')];
    first.discard();
    second.discard();
    const third = await lease('a');
    second.discard();
    first.release();
    expect(closed).toEqual([]);
    second.release();
    await expect.poll(() => closed).toEqual(['a, discarded']);
    third.release();
    (await lease('a')).release();
    expect(opened).toEqual(['a', 'a']);
  });

  test('opens another for the next caller after a refusal or an error', async () => {
    const { pool, lease } = poolOf(5);
    const refusal = { kind: 'refused', refusal: 'no' } as const;
    expect(await pool.acquire('a', async () => refusal)).toEqual(refusal);
    await expect(pool.acquire('a', () => Promise.reject(new Error('bug')))).rejects.toThrow('bug');
    expect((await lease('a')).connection).toBe('a');
  });

  test('closes everything once, also what is in use', async () => {
    const { pool, closed, lease } = poolOf(5);
    const inUse = await lease('a');
    (await lease('b')).release();
    await pool.close();
    inUse.release();
    await new Promise(setImmediate);
    expect(closed).toEqual(['a', 'b']);
  });
});
