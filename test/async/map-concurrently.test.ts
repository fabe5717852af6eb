import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';

test('results are in the order of the items, and no more calls run at once than allowed', async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrently(
    [5, 4, 3, 2, 1, 0],
    async (item, index) => {
      running += 1;
      most = Math.max(most, running);
      await delay(item);
      running -= 1;
      return `${index}:${item}`;
    },
    2,
  );
  expect(results).toEqual(['0:5', '1:4', '2:3', '3:2', '4:1', '5:0']);
  expect(most).toBe(2);
});

test('no call begins after one has rejected', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 1) throw new Error('the second one fails');
    await delay(1);
  };

  await expect(mapConcurrently([0, 1, 2, 3, 4, 5], work, 2)).rejects.toThrow('the second one fails');
  await delay(10);
  expect(begun).toEqual([0, 1]);
});
