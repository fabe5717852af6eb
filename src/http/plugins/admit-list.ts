import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ListBudget, ListReading } from '../../tools/list-budget.ts';
import { callerOf } from '../caller.ts';
import { HttpProblem, retryAfter } from '../problem.ts';

const RETRY_AFTER_MS = 2_000;

/**
 * Runs `read` with a part of the memory budget for lists of tools. The part is returned when the answer is sent or the
 * caller has gone.
 *
 * @throws HttpProblem 429 if the budget has no room
 */
export async function admitList<T>(
  budget: ListBudget,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (reading: ListReading) => Promise<T>,
): Promise<T> {
  let isOver = false;
  let reading: ListReading | undefined;
  const end = () => {
    isOver = true;
    reading?.end();
  };
  reply.raw.once('finish', end).once('close', end);
  reading = await budget.enter(callerOf(request).userId);
  if (reading === undefined) throw tooManyLists();
  if (isOver) reading.end();
  const lists = await read(reading);
  if (!isOver) endStalledAnswer(reply, budget.sendMs);
  return lists;
}

/** A caller that does not read its answer would keep the memory for good. */
function endStalledAnswer({ raw }: FastifyReply, sendMs: number): void {
  const timer = setTimeout(() => raw.destroy(), sendMs);
  const clear = () => clearTimeout(timer);
  raw.once('finish', clear).once('close', clear);
}

export function tooManyLists(): HttpProblem {
  return new HttpProblem(429, 'too-many-requests', 'Too many lists of tools are being read at once.', {
    headers: retryAfter(RETRY_AFTER_MS),
  });
}
