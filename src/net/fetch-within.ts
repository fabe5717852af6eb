import { raceAbort, withDeadline } from '../async/deadline.ts';
import { type GuardedFetch, NetworkError } from './network.ts';

/** `cause`: `timeout`, or the code of a `NetworkError`. */
export type FetchedWithin<T> = { kind: 'done'; value: T } | { kind: 'failed'; cause: string };

/**
 * Runs requests under one time limit, which also ends the reading of their answers.
 *
 * @param ms for all requests together
 * @param run must send its requests through the fetch that it is given
 * @throws what `run` throws before the time is over, except a `NetworkError`
 */
export function fetchWithin<T>(
  guardedFetch: GuardedFetch,
  ms: number,
  run: (guardedFetch: GuardedFetch) => Promise<T>,
): Promise<FetchedWithin<T>> {
  return withDeadline({ ms }, async (signal) => {
    try {
      const limited: GuardedFetch = (url, init) => guardedFetch(url, { ...init, signal });
      return { kind: 'done', value: await raceAbort(signal, run(limited)) };
    } catch (error) {
      if (signal.aborted) return { kind: 'failed', cause: 'timeout' };
      if (error instanceof NetworkError) return { kind: 'failed', cause: error.code };
      throw error;
    }
  });
}
