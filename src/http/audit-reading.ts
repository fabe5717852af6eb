import type { FastifyRequest } from 'fastify';
import { callerOf } from './caller.ts';
import type { HttpDependencies } from './dependencies.ts';

/**
 * Records that an admin is about to be shown content of users: one row a user, before the answer. Without the row, there
 * is no answer.
 */
export async function auditContentRead(
  audit: HttpDependencies['audit'],
  request: FastifyRequest,
  list: 'steps' | 'connections',
  items: readonly { userId: string }[],
): Promise<void> {
  const { userId: actorUserId } = callerOf(request);
  const counts = new Map<string, number>();
  for (const { userId } of items) counts.set(userId, (counts.get(userId) ?? 0) + 1);
  for (const [userId, count] of counts) {
    await audit({ action: 'content-read', actorUserId, userId, details: { list, count } });
  }
}
