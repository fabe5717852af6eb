/** Ends what somebody waits for: when the caller cancels, when nothing moves, when it takes too long. */
export interface Watch {
  /** Its reason is the cause. */
  readonly signal: AbortSignal;
  /** Why it was ended; meaningful once `signal` is aborted. */
  readonly cause: () => 'cancelled' | 'timeout';
  /** A sign of life: the time of inactivity starts anew. `bytes`: of an answer, as they come. */
  alive(bytes?: number): void;
  /** Nobody waits any more. */
  stop(): void;
}

export interface WatchOptions {
  signal?: AbortSignal;
  /** Milliseconds, whatever happens. */
  ceilingMs: number;
  /** Milliseconds without a sign of life. */
  inactivityMs?: number;
  /** Told of the bytes of answers as they come. */
  received?: (bytes: number) => void;
}

/** What setTimeout can hold; it fires at once beyond. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The SDK's own timeouts are not used: it looks at its total limit only when progress arrives, and then does
 * not tell the server.
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
    alive(bytes = 0) {
      inactivity.refresh();
      if (bytes > 0) received?.(bytes);
    },
    stop() {
      signal?.removeEventListener('abort', cancel);
      clearTimeout(ceiling);
      clearTimeout(inactivity);
    },
  };
}

function timer(ms: number, onTime: () => void): NodeJS.Timeout {
  return setTimeout(onTime, Math.min(ms, LONGEST_TIMER_MS));
}

/** What a promise comes to, or undefined when the watch ends first; the promise then goes on unobserved. */
export async function whileWatched<T>(watch: Watch, promise: Promise<T>): Promise<T | undefined> {
  const { signal } = watch;
  if (signal.aborted) return undefined;
  let onAbort = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
