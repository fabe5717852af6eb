/** A time limit on something that is waited for. */
export interface Deadline {
  /** Aborts at the end of the time, with a `TimeoutError`, or when the parent signal does, with its reason. */
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
  // A limit on waiting does not keep a process alive that has nothing else to do.
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

/** Runs `work` under a deadline, which is cleared when the work is over. */
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
