import type { FastifyReply } from 'fastify';
import type { MemoryBudget } from '../../async/memory-budget.ts';
import type { AdmitRead } from '../../steps/stored-results.ts';
import { tooManyRequests } from '../problem.ts';
import { endStalledAnswer, watchAnswer } from './memory-share.ts';

const RETRY_AFTER_MS = 5_000;

/**
 * Admits the read of a stored result for one request: it gets a share of the memory budget for results, which is
 * returned when the answer is sent or the caller has gone. Call this before the first `await` of a handler. The read
 * throws an HttpProblem 429 if the budget has no room.
 */
export function admitResult(budget: MemoryBudget, reply: FastifyReply, userId: string): AdmitRead {
  const answer = watchAnswer(reply);
  return async (bytes, read) => {
    const share = await budget.enter(userId, bytes);
    if (share === undefined) throw tooManyRequests('Too many large results are being sent.', RETRY_AFTER_MS);
    const reading = read();
    // A caller that goes away does not end the read, which holds the memory until then.
    void Promise.allSettled([reading, answer.over]).then(() => share.end());
    const result = await reading;
    if (!answer.isOver()) endStalledAnswer(reply, share.sendMs);
    return result;
  };
}
