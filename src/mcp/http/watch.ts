import { raceAbort } from '../../async/deadline.ts';

/** Ends a wait when the caller cancels, after too long without a sign of life, or at the ceiling. */
export interface Watch {
  /** Its reason is the cause. */
  readonly signal: AbortSignal;
  /** Why the wait ended. Only meaningful once `signal` is aborted. */
  readonly cause: () => 'cancelled' | 'timeout';
  /** Reports a sign of life, which restarts the inactivity timer. */
  alive(): void;
  /** Reports by how many bytes the part of an answer that is held in memory has changed. */
  held(change: number): void;
  /** Stops the timers. The signal no longer aborts. */
  stop(): void;
}

export interface WatchOptions {
  signal?: AbortSignal;
  /** Milliseconds, with or without signs of life. */
  ceilingMs: number;
  /** Milliseconds without a sign of life. */
  inactivityMs?: number;
  /** Called with the change of the number of bytes that are held of answers. */
  received?: (change: number) => void;
}

/** The longest delay of `setTimeout`, which fires at once for a longer one. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Starts a watch. The SDK's own timeouts are not used: the SDK checks its total limit only when progress arrives, and
 * does not send the server a cancellation then.
 */
export function createWatch({ signal, ceilingMs, inactivityMs, received }: WatchOptions): Watch {
  const ended = new AbortController();
  const end = (cause: 'cancelled' | 'timeout') => ended.abort(cause);
  const cancel = () => end('cancelled');
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const ceiling = timer(ceilingMs, () => end('timeout'));
  const inactivity = timer(inactivityMs ?? ceilingMs, () => end('timeout'));
  return {
    signal: ended.signal,
    cause: () => (ended.signal.reason === 'cancelled' ? 'cancelled' : 'timeout'),
    alive() {
      inactivity.refresh();
    },
    held(change) {
      if (change !== 0) received?.(change);
    },
    stop() {
      signal?.removeEventListener('abort', cancel);
      clearTimeout(ceiling);
      clearTimeout(inactivity);
    },
  };
}

function timer(ms: number, onTimeout: () => void): NodeJS.Timeout {
  return setTimeout(onTimeout, Math.min(ms, MAX_TIMER_MS));
}

/** Waits for a promise. Returns undefined when the watch ends first; the promise then continues unobserved. */
export async function whileWatched<T>({ signal }: Watch, promise: Promise<T>): Promise<T | undefined> {
  try {
    return await raceAbort(signal, promise);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}
