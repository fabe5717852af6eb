import { tooManyRequests } from '../problem.ts';

interface StreamLimits {
  /** How many streams a user may have open at this process. */
  perUser: number;
  /** How many streams this process serves. Each is a socket. */
  perProcess: number;
}

export interface StreamOptions extends StreamLimits {
  /** Milliseconds between two signs of life of a stream. */
  beatMs: number;
}

const RETRY_AFTER_MS = 30_000;

interface OpenStreams {
  /**
   * Counts a stream, until the returned function is called.
   *
   * @throws HttpProblem 429
   */
  enter(userId: string): () => void;
}

export function createOpenStreams({ perUser, perProcess }: StreamLimits): OpenStreams {
  const open = new Map<string, number>();
  let total = 0;
  return {
    enter(userId) {
      const own = open.get(userId) ?? 0;
      if (own >= perUser || total >= perProcess)
        throw tooManyRequests('Too many streams are open.', RETRY_AFTER_MS);
      total += 1;
      open.set(userId, own + 1);
      return () => {
        total -= 1;
        const left = (open.get(userId) ?? 1) - 1;
        if (left === 0) open.delete(userId);
        else open.set(userId, left);
      };
    },
  };
}
