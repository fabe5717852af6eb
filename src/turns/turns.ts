import { setImmediate as nextRound } from 'node:timers/promises';

/** Milliseconds of work before others get their turn. */
const TURN_MS = 10;

/** Long work on the event loop, in turns: one at a time, however many wait. */
export interface Turns {
  /** Runs the steps of `work` and resolves with what it returns. Short work takes no turn. */
  take<T>(work: Iterator<unknown, T>): Promise<T>;
}

/**
 * Lets the event loop go round between two turns, so that `/health`, heartbeats and other calls wait no longer than a
 * turn and a step, also while many answers are worked on.
 */
export function createTurns(turnMs = TURN_MS): Turns {
  let lastInLine: Promise<void> = Promise.resolve();

  function myTurn(): Promise<void> {
    lastInLine = lastInLine.then(() => nextRound());
    return lastInLine;
  }

  return {
    async take(work) {
      for (let began = performance.now(); ; ) {
        const step = work.next();
        if (step.done) return step.value;
        if (performance.now() - began < turnMs) continue;
        await myTurn();
        began = performance.now();
      }
    },
  };
}
