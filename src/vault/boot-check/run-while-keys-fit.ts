/**
 * Runs a worker while the check of its keys may still be under way: keys that do not fit drain it.
 *
 * @param keysFit rejects where they don't
 * @param ending told of the worker's end, so that the check ends too
 * @throws what the first of the two that did not end well has thrown, once both have ended
 */
export async function runWhileKeysFit(
  { run, shutDown }: { run: () => Promise<void>; shutDown: () => void },
  keysFit: Promise<void>,
  ending: AbortController,
): Promise<void> {
  const checked = keysFit.catch((refusal: unknown) => {
    shutDown();
    throw refusal;
  });
  const running = run().finally(() => ending.abort());
  for (const one of await Promise.allSettled([running, checked])) {
    if (one.status === 'rejected') throw one.reason;
  }
}
