import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';

/** The user or admin whose token came with a request. */
export interface Caller {
  userId: string;
  isAdmin: boolean;
}

export const ADMIN_SCOPE = 'latchkey:admin';

const CALLER = 'caller';

export function decorateWithCaller(app: FastifyInstance): void {
  app.decorateRequest(CALLER, undefined);
}

export function setCaller(request: FastifyRequest, caller: Caller): void {
  request.setDecorator(CALLER, caller);
}

/** Returns undefined if the request has no valid token. */
export function findCaller(request: FastifyRequest): Caller | undefined {
  return request.getDecorator<Caller | undefined>(CALLER);
}

/** @throws on a route without authentication: using it there is a bug */
export function callerOf(request: FastifyRequest): Caller {
  const caller = findCaller(request);
  if (caller === undefined) throw new Error('this route does not authenticate its callers');
  return caller;
}

/** The `onRequest` hook of admin routes. RFC 6750 §3.1. */
export async function requireAdmin(request: FastifyRequest): Promise<void> {
  if (callerOf(request).isAdmin) return;
  const headers = { 'www-authenticate': `Bearer error="insufficient_scope", scope="${ADMIN_SCOPE}"` };
  throw new HttpProblem(403, 'forbidden', `This needs a token with the scope ${ADMIN_SCOPE}.`, { headers });
}
