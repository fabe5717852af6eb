import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../../src/turns/turns.ts';

/** Work of this many steps, each of which holds the event loop up for a millisecond. */
function* busy(steps: number): Generator<void, number> {
  for (let step = 0; step < steps; step += 1) {
    const until = performance.now() + 1;
    while (performance.now() < until);
    yield;
  }
  return steps;
}

/** Counts the rounds of the event loop until the work is done. */
async function roundsOf(work: Promise<unknown>): Promise<number> {
  let isOver = false;
  let rounds = 0;
  void work.finally(() => {
    isOver = true;
  });
  for (; !isOver; rounds += 1) await nextRound();
  return rounds;
}

test('long work lets the event loop go round', async () => {
  expect(await roundsOf(createTurns().take(busy(100)))).toBeGreaterThanOrEqual(8);
});

test('much short work lets the event loop go round, one after the other or at once', async () => {
  const turns = createTurns();
  const oneByOne = async () => {
    for (let i = 0; i < 100; i += 1) await turns.take(busy(1));
  };
  expect(await roundsOf(oneByOne())).toBeGreaterThanOrEqual(8);
  const atOnce = Array.from({ length: 100 }, () => turns.take(busy(1)));
  expect(await roundsOf(Promise.all(atOnce))).toBeGreaterThanOrEqual(8);
});

test('short work resolves with its result without a turn of its own', async () => {
  let isNextRound = false;
  setImmediate(() => {
    isNextRound = true;
  });
  expect(await createTurns(1_000).take(busy(3))).toBe(3);
  expect(isNextRound).toBe(false);
});

test('work that fails rejects, and the next gets its turn', async () => {
  const turns = createTurns();
  const failing = (function* () {
    yield* busy(20);
    throw new Error('no');
  })();
  const [failed, done] = await Promise.allSettled([turns.take(failing), turns.take(busy(20))]);
  expect(failed).toMatchObject({ status: 'rejected' });
  expect(done).toEqual({ status: 'fulfilled', value: 20 });
});

test('each turn is reported', async () => {
  let told = 0;
  await createTurns().take(busy(50), () => {
    told += 1;
  });
  expect(told).toBeGreaterThanOrEqual(3);
});
