/** Time limits on waiting: a signal that aborts in time, and races of work against a signal or a time limit. */
export interface Deadline {
  /** Aborts with a `TimeoutError` when the time is over, or with the parent's reason when the parent signal aborts. */
  readonly signal: AbortSignal;
  /** Stops the timer and stops listening to the parent. Safe to call again. */
  clear(): void;
}

/**
 * Starts a deadline of `ms` milliseconds, which also ends when `parent` aborts.
 *
 * `AbortSignal.any` over an `AbortSignal.timeout` is not used, and a rule keeps both out of `src`: Node 20 holds
 * such a timeout weakly, so a garbage collection removes it and it never fires
 * (https://github.com/nodejs/node/issues/57736). Here the timer holds the controller until it fires or is cleared.
 */
export function startDeadline(ms: number, parent?: AbortSignal): Deadline {
  const ended = new AbortController();
  const onParentAbort = () => ended.abort(parent?.reason);
  const timer = setTimeout(() => {
    parent?.removeEventListener('abort', onParentAbort);
    ended.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  }, ms);
  // A time limit does not keep a process alive that has nothing else to do.
  timer.unref();
  const clear = () => {
    clearTimeout(timer);
    parent?.removeEventListener('abort', onParentAbort);
  };
  ended.signal.addEventListener('abort', clear, { once: true });
  if (parent?.aborted) onParentAbort();
  else parent?.addEventListener('abort', onParentAbort, { once: true });
  return { signal: ended.signal, clear };
}

/** Runs `work` under a deadline, which is cleared when the work has ended. */
export async function withDeadline<T>(
  limit: { ms: number; parent?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(limit.ms, limit.parent);
  try {
    return await work(deadline.signal);
  } finally {
    deadline.clear();
  }
}

/** Returns the result of `work`, or rejects with the signal's reason when the signal aborts first. The work goes on. */
export function raceAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

export interface TimeLimit {
  ms: number;
  /** False: the timer does not keep the process alive. Default true. */
  ref?: boolean;
}

/** Returns the result of `work`, or of `onTimeout` when the time is over first. The work goes on, its result unused. */
export async function raceTimeout<T, U>(
  { ms, ref = true }: TimeLimit,
  work: Promise<T>,
  onTimeout: () => U,
): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    if (!ref) timer.unref();
  });
  return Promise.race([work, timeout.then(onTimeout)]).finally(() => clearTimeout(timer));
}

/**
 * Closes one after the other and gives up after `ms` milliseconds, because a process that failed must end. Never
 * throws, because its operator needs the earlier failure.
 */
export async function closeWithin(ms: number, closers: readonly (() => Promise<unknown>)[]): Promise<void> {
  const closing = (async () => {
    for (const close of closers) await close().catch(() => {});
  })();
  await raceTimeout({ ms, ref: false }, closing, () => {});
}
