import { setImmediate as nextRound } from 'node:timers/promises';

/** Milliseconds of work before others get their turn. */
const TURN_MS = 8;

/** Long work on the event loop, in turns: one at a time, however many wait. */
export interface Turns {
  /**
   * Runs the steps of `work` and resolves with what it returns. Short work takes no turn, as long as the work of this
   * round of the event loop is short altogether.
   *
   * @param onTurn called at the beginning of each turn but the first
   */
  take<T>(work: Iterator<unknown, T>, onTurn?: () => void): Promise<T>;
}

/**
 * Lets the event loop go round between two turns, so that `/health`, heartbeats and other calls wait no longer than a
 * turn and a step, also while many answers are worked on. The work of all callers in one round counts together:
 * thousands of short answers that arrive at once would hold up the others like a long one.
 */
export function createTurns(turnMs = TURN_MS): Turns {
  let lastInLine: Promise<void> = Promise.resolve();
  let turnEnds: number | undefined;

  const newTurn = () => {
    turnEnds = undefined;
  };

  function isOver(): boolean {
    const now = performance.now();
    if (turnEnds === undefined) {
      turnEnds = now + turnMs;
      setImmediate(newTurn);
    }
    return now >= turnEnds;
  }

  function myTurn(): Promise<void> {
    lastInLine = lastInLine.then(() => nextRound()).then(newTurn);
    return lastInLine;
  }

  return {
    async take(work, onTurn) {
      for (;;) {
        if (isOver()) {
          await myTurn();
          onTurn?.();
        }
        const step = work.next();
        if (step.done) return step.value;
      }
    },
  };
}
