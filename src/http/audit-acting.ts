import type { FastifyRequest } from 'fastify';
import type { AuditEvent } from '../audit/audit-log.ts';
import { callerOf } from './caller.ts';
import type { HttpDependencies } from './dependencies.ts';

type Subject = Pick<AuditEvent, 'mcpServerId' | 'stepId'> & { account?: string | undefined };

/**
 * Records what a service is about to do for a user, where the operation itself records nothing. Does nothing for a user's
 * own request. Call it before the effect, so that no service has an effect that is not recorded.
 */
export async function auditActing(
  audit: HttpDependencies['audit'],
  request: FastifyRequest,
  action: Extract<AuditEvent['action'], `${string}-requested`>,
  { account, ...subject }: Subject = {},
): Promise<void> {
  const { userId, actedBy: actorUserId } = callerOf(request);
  if (actorUserId === undefined) return;
  await audit({ action, actorUserId, ...subject, ...(account !== undefined && { account }), userId });
}
