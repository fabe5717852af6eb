import type { RpcExchange } from '../http/rpc-exchange.ts';
import type { Watch } from '../http/watch.ts';

/** How long the end of a call waits until `notifications/cancelled` is sent, ms. */
const CANCELLATION_GRACE_MS = 1_000;

export interface Cancellation {
  /** Handed to the SDK, which sends `notifications/cancelled` when it aborts. */
  readonly signal: AbortSignal;
  cancel(): void;
  /** Resolves when the notification was sent, could not be sent, or was not necessary; after a second at most. */
  cancellationSent(): Promise<void>;
  /** Stops listening to the watch. */
  release(): void;
}

/**
 * Cancels a request when its watch ends.
 *
 * @param runInExchange runs a function in the request's exchange. The SDK sends the notification from its abort
 *   listener, and a listener runs in the context of the code that aborts.
 */
export function cancelWithWatch(
  watch: Watch,
  exchange: RpcExchange,
  runInExchange: (run: () => void) => void,
): Cancellation {
  const cancelled = new AbortController();
  let sent: Promise<void> = Promise.resolve();
  const cancel = () => runInExchange(() => cancelled.abort(watch.signal.reason));
  const onEnd = () => {
    if (exchange.sent) sent = notifyCancelled(exchange);
    // Keeps a request that was not sent yet from being sent.
    else exchange.hangUp.abort();
    cancel();
  };
  watch.signal.addEventListener('abort', onEnd, { once: true });
  return {
    signal: cancelled.signal,
    cancel,
    cancellationSent: () => sent,
    release: () => watch.signal.removeEventListener('abort', onEnd),
  };
}

function notifyCancelled(exchange: RpcExchange): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CANCELLATION_GRACE_MS);
    exchange.onCancellationSent = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
