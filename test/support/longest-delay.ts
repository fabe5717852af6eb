import { readFileSync } from 'node:fs';

const MAX_ROUNDS = 5;

/**
 * Milliseconds of work on the event loop at once while `work` went on, at most: between two rounds of the loop. Where
 * the system tells how long this thread had a processor (Linux), only that counts: on a busy machine others have it for
 * longer than what is looked for.
 */
export async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let isOver = false;
  const look = async () => {
    for (let before = now(); !isOver; ) {
      await nextRound();
      const after = now();
      longest = Math.max(longest, Math.min(after.wall - before.wall, after.processor - before.processor));
      before = after;
    }
  };
  const looking = look();
  await nextRound();
  try {
    await work();
    // What the work did last is seen by the look that follows it.
    await nextRound();
  } finally {
    isOver = true;
    await looking;
  }
  return longest;
}

/**
 * The smallest `longestDelay` of several rounds, which end as soon as one is short enough. Work that holds the event loop
 * up does so in every round; a busy machine or a garbage collection does not.
 */
export async function leastDelay(
  work: () => Promise<unknown>,
  { below }: { below: number },
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MAX_ROUNDS && least >= below; round += 1) {
    least = Math.min(least, await longestDelay(work));
  }
  return least;
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function now(): { wall: number; processor: number } {
  const wall = performance.now();
  return { wall, processor: ofThisThread() ?? wall };
}

/** Of the process's first thread, which runs the tests. @see https://docs.kernel.org/scheduler/sched-stats.html */
function ofThisThread(): number | undefined {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}
