const CONCURRENCY = 25;

/**
 * Calls `work` for every item, for at most `concurrency` items at a time. Returns the results in the order of the
 * items. Once a call rejects, no further call begins, and the first rejection is thrown.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
  concurrency = CONCURRENCY,
): Promise<R[]> {
  const results: R[] = [];
  const queue = entriesOf(items);
  const workThroughQueue = async () => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: concurrency }, workThroughQueue));
  return results;
}

// A generator, because a loop that ends by an exception closes it, which ends the loops of the other workers as well.
// The iterator of an array has nothing to close.
function* entriesOf<T>(items: readonly T[]): Generator<[number, T]> {
  yield* items.entries();
}

/**
 * Calls `work` for every item as it comes, for at most `concurrency` items at a time, so that memory does not grow with
 * the number of items. Calls begin in the order of the items. Once a call rejects, no further call begins, and the
 * first rejection is thrown when the calls under way have ended.
 */
export async function forEachConcurrently<T>(
  items: AsyncGenerator<T, void>,
  work: (item: T) => Promise<void>,
  concurrency: number,
): Promise<void> {
  // An exception closes the generator, which ends the loops of the other workers.
  const workThroughItems = async () => {
    for await (const item of items) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, workThroughItems));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
