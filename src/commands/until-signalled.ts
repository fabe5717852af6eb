import type { Logger } from '../logger.ts';

/** A role that runs until it is told to stop. */
export interface Running {
  /** Resolves when it has ended by itself or was shut down. */
  done: Promise<void>;
  shutdown(signal: NodeJS.Signals): void;
}

/** @param failed rejects where the role has ended otherwise */
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

/** Drains at SIGTERM or SIGINT. Once: a second signal meets Node's default and ends the process at once. */
export async function untilSignalled(running: Running, logger: Logger): Promise<void> {
  const onSignal = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'draining');
    running.shutdown(signal);
  };
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  await running.done;
  logger.info('stopped');
}
