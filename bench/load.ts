/** What one run of a load took. */
export interface LoadRun {
  seconds: number;
  /** From the start of each to its result, in milliseconds. */
  latenciesMs: number[];
}

export interface Load {
  count: number;
  /** How many are under way at once: as one ends, the next one starts. */
  concurrency: number;
}

/** @throws the first failure of `runOne` */
export async function runLoad(
  { count, concurrency }: Load,
  runOne: (index: number) => Promise<void>,
): Promise<LoadRun> {
  const latenciesMs: number[] = [];
  let next = 0;
  const runInTurn = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await runOne(index);
      latenciesMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  const turns = Array.from({ length: Math.min(concurrency, count) }, runInTurn);
  try {
    await Promise.all(turns);
  } finally {
    // Nothing starts after a failure.
    next = count;
  }
  return { seconds: (performance.now() - startedAt) / 1000, latenciesMs };
}
