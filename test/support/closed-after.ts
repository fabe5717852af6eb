type Cleanup = { onCleanup: (cleanUp: () => void | Promise<void>) => void };

/** The value of a `test.extend` fixture that depends on no other: it is opened on first use and closed after its scope. */
export function closedAfter<T>(open: () => Promise<T>, close: (opened: T) => Promise<unknown>) {
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one depends on.
  return async ({}, { onCleanup }: Cleanup): Promise<T> => {
    const opened = await open();
    onCleanup(async () => void (await close(opened)));
    return opened;
  };
}
