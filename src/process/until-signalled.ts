import type { Logger } from '../logging/logger.ts';

/** A role that runs until it is told to stop. */
export interface Running {
  /** Resolves when the role has ended by itself or was shut down. */
  done: Promise<void>;
  shutdown(signal: NodeJS.Signals): void;
}

/** @param failed rejects when the role has ended in another way */
export function asRunning(
  shutdown: (signal: NodeJS.Signals) => Promise<void>,
  failed?: Promise<never>,
): Running {
  let settle: (ended: Promise<void>) => void = () => {};
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const done = failed ? Promise.race([ended, failed]) : ended;
  return { done, shutdown: (signal) => settle(shutdown(signal)) };
}

/**
 * Starts a role and drains it at SIGTERM or SIGINT; `drain-worker.ts` says what a worker does then. The handlers are
 * installed before the role starts, because a signal can follow the line `ready` at once. A signal before that line
 * ends the process, as by Node's default: nothing is under way yet. A second signal ends the process as well.
 */
export async function untilSignalled(start: () => Promise<Running>, logger: Logger): Promise<void> {
  let running: Running | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (running === undefined) return void process.kill(process.pid, signal);
    logger.info({ signal }, 'draining');
    running.shutdown(signal);
  };
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  running = await start();
  await running.done;
  logger.info('stopped');
}
