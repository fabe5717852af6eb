import { setImmediate as nextRound } from 'node:timers/promises';

/** Milliseconds of work before the event loop runs other work. */
const TURN_MS = 8;

/** Runs long work on the event loop in turns, one at a time. */
export interface Turns {
  /**
   * Runs the pieces of `work` and resolves with its return value. Runs at once as long as all the work in this round of
   * the event loop is short.
   *
   * @param onTurn called when the work continues in a new turn
   */
  take<T>(work: Iterator<unknown, T>, onTurn?: () => void): Promise<T>;
}

/**
 * Creates turns between which the event loop runs other work. `/health`, heartbeats and other calls so wait for at most
 * one turn and one piece, even while many answers are processed. The work of all callers in one round counts together,
 * because thousands of short answers at once would block the event loop like a long one.
 */
export function createTurns(turnMs = TURN_MS): Turns {
  let lastTurn: Promise<void> = Promise.resolve();
  let turnEndsAt: number | undefined;

  const startTurn = () => {
    turnEndsAt = undefined;
  };

  function turnIsOver(): boolean {
    const now = performance.now();
    if (turnEndsAt === undefined) {
      turnEndsAt = now + turnMs;
      setImmediate(startTurn);
    }
    return now >= turnEndsAt;
  }

  function nextTurn(): Promise<void> {
    lastTurn = lastTurn.then(() => nextRound()).then(startTurn);
    return lastTurn;
  }

  return {
    async take(work, onTurn) {
      for (;;) {
        if (turnIsOver()) {
          await nextTurn();
          onTurn?.();
        }
        const piece = work.next();
        if (piece.done) return piece.value;
      }
    },
  };
}
