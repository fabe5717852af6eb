import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MemoryBudget, MemoryShare } from '../../async/memory-budget.ts';
import { callerOf } from '../caller.ts';
import { type HttpProblem, tooManyRequests } from '../problem.ts';
import { endStalledAnswer, watchAnswer } from './memory-share.ts';

const RETRY_AFTER_MS = 2_000;

/**
 * Runs `read` with a share of the memory budget for lists of tools. The share is returned when the answer is sent or the
 * caller has gone.
 *
 * @throws HttpProblem 429 if the budget has no room
 */
export async function admitList<T>(
  budget: MemoryBudget,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (share: MemoryShare) => Promise<T>,
): Promise<T> {
  const answer = watchAnswer(reply);
  const share = await budget.enter(callerOf(request).userId);
  if (share === undefined) throw tooManyLists();
  // Also ends the lists that are still being read.
  void answer.over.then(() => share.end());
  const lists = await read(share);
  if (!answer.isOver()) endStalledAnswer(reply, share.sendMs);
  return lists;
}

export function tooManyLists(): HttpProblem {
  return tooManyRequests('Too many lists of tools are being read at once.', RETRY_AFTER_MS);
}
