import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createCallLimits, type Room } from '../../src/activities/call-limits.ts';

const SERVER = 'ledger';

function limitsAt(clock: { ms: number }) {
  return createCallLimits({ perUser: 2, perServer: 5 }, () => clock.ms);
}

function release(room: Room | undefined): void {
  if (room?.kind === 'room') room.release();
}

function wait(room: Room): number {
  return room.kind === 'full' ? room.retryAfterMs : 0;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the calls of a process', () => {
  test('are limited for one user and leave room for other users', () => {
    const { calls } = limitsAt({ ms: 0 });
    const of = (userId: string) => calls.take({ userId, mcpServerId: SERVER });
    const [first, ...others] = [of('ada'), of('ada'), of('ada'), of('bob')];

    expect(others.map(({ kind }) => kind)).toEqual(['room', 'full', 'room']);

    release(first);
    expect([of('ada').kind, of('ada').kind]).toEqual(['room', 'full']);
  });

  test('are limited to one server over all users and leave room for other servers', () => {
    const { calls } = limitsAt({ ms: 0 });
    const kinds = Array.from(
      { length: 6 },
      (_, n) => calls.take({ userId: `u${n}`, mcpServerId: SERVER }).kind,
    );

    expect(kinds).toEqual([...Array(5).fill('room'), 'full']);
    expect(calls.take({ userId: 'u9', mcpServerId: 'other' }).kind).toBe('room');
  });

  test('leave room for a renewal, which counts too', () => {
    const { calls, lookups } = limitsAt({ ms: 0 });
    const key = { userId: 'ada', mcpServerId: SERVER };
    for (let n = 0; n < 2; n++) expect(calls.take(key).kind).toBe('room');

    expect([lookups.take(key).kind, lookups.take(key).kind]).toEqual(['room', 'full']);
  });

  test('queue for a short time and get room in order of arrival', async () => {
    const { calls } = limitsAt({ ms: 0 });
    const enter = (userId: string) => calls.enter({ userId, mcpServerId: SERVER });
    const [first, second] = [await enter('ada'), await enter('ada')];
    const order: string[] = [];
    const waiting = ['third', 'fourth'].map(async (name) => {
      const room = await enter('ada');
      order.push(name);
      return room;
    });

    expect((await enter('bob')).kind).toBe('room');
    release(first);
    const third = await waiting[0];
    expect([calls.take({ userId: 'ada', mcpServerId: SERVER }).kind, order]).toEqual(['full', ['third']]);
    release(second);
    expect([third?.kind, (await waiting[1])?.kind, order]).toEqual(['room', 'room', ['third', 'fourth']]);
    expect((await enter('ada')).kind).toBe('full');
  });

  test.each([
    ['of one user', 2, (n: number) => ({ userId: 'ada', mcpServerId: `s${n}` })],
    ['to one server', 5, (n: number) => ({ userId: `u${n}`, mcpServerId: SERVER })],
  ])('%s wait in a line that has an end: above it they are refused at once', async (_, share, keyOf) => {
    // On a busy machine, the seconds that calls wait in line could pass before the check.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { calls } = limitsAt({ ms: 0 });
    const running = await Promise.all(Array.from({ length: share }, (_, n) => calls.enter(keyOf(n))));
    const answered: Room[] = [];
    const entering = Array.from({ length: 3_000 }, async (_, n) => {
      answered.push(await calls.enter(keyOf(n)));
    });
    await nextTurn();

    expect([answered.length, ...new Set(answered.map(({ kind }) => kind))]).toEqual([2_998, 'full']);

    for (const room of running.slice(0, 2)) release(room);
    await Promise.all(entering);
    expect(answered.slice(-2).map(({ kind }) => kind)).toEqual(['room', 'room']);
  });

  test('may wait in line again when the line has become shorter', async () => {
    const { calls } = limitsAt({ ms: 0 });
    const key = { userId: 'ada', mcpServerId: SERVER };
    let [room] = await Promise.all([calls.enter(key), calls.enter(key)]);
    for (let n = 0; n < 5; n++) {
      const next = calls.enter(key);
      release(room);
      room = await next;
      expect(room.kind).toBe('room');
    }
  });

  test('that found no room are tried again one after the other within a minute', () => {
    const clock = { ms: 5_000 };
    const { calls } = limitsAt(clock);
    const key = { userId: 'ada', mcpServerId: SERVER };
    for (let n = 0; n < 2; n++) calls.take(key);

    const waits = Array.from({ length: 3_000 }, () => wait(calls.take(key)));

    expect(waits.slice(0, 3)).toEqual([1_000, 1_050, 1_100]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    clock.ms += 60_000;
    expect(wait(calls.take(key))).toBe(1_000);
  });
});
