/**
 * Runs a worker while the check of its keys may still be under way. Shuts the worker down when the check fails.
 *
 * @param keyCheck rejects when the keys do not fit
 * @param ending aborted when the worker has ended, so that the check ends too
 * @throws the first rejection of the worker or the key check, once both have ended
 */
export async function runUntilKeyCheckFails(
  { run, shutDown }: { run: () => Promise<void>; shutDown: () => void },
  keyCheck: Promise<void>,
  ending: AbortController,
): Promise<void> {
  const checked = keyCheck.catch((refusal: unknown) => {
    shutDown();
    throw refusal;
  });
  const running = run().finally(() => ending.abort());
  for (const one of await Promise.allSettled([running, checked])) {
    if (one.status === 'rejected') throw one.reason;
  }
}
