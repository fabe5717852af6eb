import { describe, expect, test } from 'vitest';
import { createKeyedQueue } from '../../../src/async/keyed-queue.ts';
import { forEachConcurrently } from '../../../src/async/map-concurrently.ts';
import { plainLines } from '../../../src/commands/import/plain-lines.ts';
import { createProgress } from '../../../src/commands/import/progress.ts';
import { toEntry } from '../../../src/commands/import/to-entry.ts';
import { candidatesIn } from './collect.ts';

describe('the progress of an import', () => {
  test('goes on at the first line whose outcome is not known', () => {
    const progress = createProgress(5);
    expect(progress.resumeFrom()).toBe(5);
    for (const line of [5, 6, 9]) progress.begin(line);
    progress.end(6, 'stored');
    expect(progress.resumeFrom()).toBe(5);
    progress.end(5, 'failed');
    expect(progress.resumeFrom()).toBe(9);
    progress.end(9, 'already-connected');
    expect(progress.resumeFrom()).toBe(10);
    expect(progress.counts).toEqual({
      stored: 1,
      unchanged: 0,
      alreadyConnected: 1,
      disconnected: 0,
      failed: 1,
    });
  });
});

describe('a keyed queue', () => {
  test('runs the work of one key in the order of the calls, also after a failure', async () => {
    const inTurn = createKeyedQueue();
    const log: string[] = [];
    let fail = (_: Error) => {};
    const first = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const calls = [
      inTurn('a', () => first.finally(() => log.push('a1'))),
      inTurn('a', async () => log.push('a2')),
      inTurn('b', async () => log.push('b1')),
    ];
    await calls[2];
    expect(log).toEqual(['b1']);
    fail(new Error('failed'));
    await expect(calls[0]).rejects.toThrow('failed');
    await calls[1];
    expect(log).toEqual(['b1', 'a1', 'a2']);
  });
});

describe('items as they come', () => {
  test('are worked on a few at a time, and read no further ahead', async () => {
    let [read, running, most] = [0, 0, 0];
    async function* items() {
      for (; read < 20; read++) yield read;
    }
    const done: number[] = [];
    await forEachConcurrently(
      items(),
      async (item) => {
        running += 1;
        most = Math.max(most, running);
        expect(read - done.length).toBeLessThanOrEqual(3);
        await new Promise(setImmediate);
        running -= 1;
        done.push(item);
      },
      3,
    );
    expect(done).toHaveLength(20);
    expect(most).toBe(3);
  });

  test('are not worked on any more once one has failed', async () => {
    async function* items() {
      for (let i = 0; i < 100; i++) yield i;
    }
    const begun: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      if (item === 2) throw new Error('the third one fails');
    };
    await expect(forEachConcurrently(items(), work, 2)).rejects.toThrow('the third one fails');
    expect(begun.length).toBeLessThan(10);
  });
});

describe('a line of the own format', () => {
  const BODY = { mcpServerId: 'ledger', refreshToken: 'rt-1', tokenEndpoint: 'https://as.example/token' };
  const entry = async (line: object, own = false) => {
    const [candidate] = await candidatesIn(plainLines({ own }), [line]);
    return candidate?.kind === 'candidate' ? toEntry(candidate) : candidate;
  };

  test('is a deposit of its user, or of the token’s own if that was asked for', async () => {
    expect(await entry({ ...BODY, userId: 'ada' })).toMatchObject({ userId: 'ada', deposit: BODY });
    expect(await entry(BODY, true)).toMatchObject({ kind: 'entry', userId: undefined });
    expect(await entry(BODY)).toMatchObject({
      kind: 'failed',
      code: 'no-user',
      fields: [{ path: 'userId' }],
    });
  });

  test.for([
    [{ userId: ' ada' }, 'userId'],
    [{ userId: '' }, 'userId'],
    [{ userId: 7 }, 'userId'],
    [{ refreshToken: '' }, 'refreshToken'],
    [{ tokenEndpoint: 'rt-1' }, 'tokenEndpoint'],
    [{ nonsense: 'rt-1' }, 'nonsense'],
    [{ clientSecret: 'rt-1' }, 'clientId'],
  ] as const)('with %j fails, by the name of the field', async ([change, path]) => {
    const failure = await entry({ ...BODY, userId: 'ada', ...change });
    expect(failure).toMatchObject({ kind: 'failed', code: 'invalid-request', fields: [{ path }] });
    expect(JSON.stringify(failure)).not.toContain('rt-1');
  });
});
