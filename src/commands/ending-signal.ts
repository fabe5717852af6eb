import { constants } from 'node:os';

/** Aborts at the first SIGTERM or SIGINT. */
export interface EndingSignal {
  signal: AbortSignal;
  /** 128 + the signal's number. 0 until one came. */
  exitCode(): number;
}

/**
 * Takes SIGTERM and SIGINT once, so that a second one ends the process at once, as by Node's default.
 *
 * @param message what the command says on stderr then
 */
export function endingSignal(message: (signal: NodeJS.Signals) => string): EndingSignal {
  const ending = new AbortController();
  let exitCode = 0;
  const end = (signal: 'SIGTERM' | 'SIGINT') => {
    exitCode = 128 + constants.signals[signal];
    process.stderr.write(`${message(signal)}\n`);
    ending.abort();
  };
  process.once('SIGTERM', end).once('SIGINT', end);
  return { signal: ending.signal, exitCode: () => exitCode };
}
