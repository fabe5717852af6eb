import { afterEach, describe, expect, test, vi } from 'vitest';
import { createPlaceLine } from '../../src/activities/place-line.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A number of places, shared with workers that say nothing when they free one. */
function placesOf(free: number) {
  const places = { free, asked: 0 };
  const take = async () => {
    places.asked += 1;
    if (places.free === 0) return undefined;
    places.free -= 1;
    return 'place';
  };
  return { places, take };
}

describe('the calls in line for a place', () => {
  test('get one each while there are any, without waiting', async () => {
    const { take } = placesOf(20);
    const line = createPlaceLine<string>();
    const taken = await Promise.all(Array.from({ length: 20 }, () => line.wait(20, take)));
    expect(taken).toEqual(Array(20).fill('place'));
    expect(line.isEmpty()).toBe(true);
  });

  test('get the places that become free in order of arrival', async () => {
    const { places, take } = placesOf(0);
    const line = createPlaceLine<string>();
    const order: number[] = [];
    const waiting = [1, 2].map((n) => line.wait(2, take).then((place) => place && order.push(n)));
    for (let n = 0; n < 2; n++) {
      places.free = 1;
      line.lookAgain();
      await waiting[n];
    }
    expect(order).toEqual([1, 2]);
  });

  test('get a place that another worker has freed without telling', async () => {
    const { places, take } = placesOf(0);
    const waiting = createPlaceLine<string>().wait(1, take);
    await vi.waitFor(() => expect(places.asked).toBeGreaterThan(0), { timeout: 20_000 });
    places.free = 1;
    expect(await waiting).toBe('place');
  });

  test('are turned away after two seconds', async () => {
    vi.useFakeTimers();
    const line = createPlaceLine<string>();
    const waiting = line.wait(1, placesOf(0).take);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(await waiting).toBeUndefined();
    expect(line.isEmpty()).toBe(true);
  });

  test('are turned away if the database was slow for those before them, although places are free', async () => {
    vi.useFakeTimers();
    const line = createPlaceLine<string>();
    const slow = () => new Promise<string>((resolve) => setTimeout(resolve, 3_000, 'place'));
    const { places, take } = placesOf(5);
    const waiting = [line.wait(5, slow), line.wait(5, take), line.wait(5, take)];
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await Promise.all(waiting)).toEqual(['place', undefined, undefined]);
    expect(places.asked).toBe(0);
  });

  test('are turned away at once beyond as many as there are places, and ten', async () => {
    vi.useFakeTimers();
    for (const [limit, length] of [
      [2, 2],
      [100, 10],
    ] as const) {
      const line = createPlaceLine<string>();
      const turnedAway: unknown[] = [];
      const { take } = placesOf(0);
      for (let n = 0; n < 50; n++) void line.wait(limit, take).then((place) => turnedAway.push(place));
      await vi.advanceTimersByTimeAsync(1);
      expect(turnedAway).toHaveLength(50 - length);
      expect(await line.wait(limit, take)).toBeUndefined();
      await vi.advanceTimersByTimeAsync(3_000);
    }
  });

  test('fail with the database, each for itself', async () => {
    const line = createPlaceLine<string>();
    const failing = () => Promise.reject(new Error('away'));
    const [first, second] = await Promise.allSettled([line.wait(1, failing), line.wait(1, placesOf(1).take)]);
    expect(first).toMatchObject({ status: 'rejected' });
    expect(second).toEqual({ status: 'fulfilled', value: 'place' });
  });
});
