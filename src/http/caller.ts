import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';
import { ADMIN_SCOPE, type Caller } from './token-verifier.ts';

const CALLER = 'caller';

export function decorateWithCaller(app: FastifyInstance): void {
  app.decorateRequest(CALLER, undefined);
}

export function setCaller(request: FastifyRequest, caller: Caller): void {
  request.setDecorator(CALLER, caller);
}

/** Undefined where no valid token came with the request. */
export function findCaller(request: FastifyRequest): Caller | undefined {
  return request.getDecorator<Caller | undefined>(CALLER);
}

/** @throws on a route without authentication, which is a bug */
export function callerOf(request: FastifyRequest): Caller {
  const caller = findCaller(request);
  if (caller === undefined) throw new Error('this route does not authenticate its callers');
  return caller;
}

/** For `onRequest` of admin routes. RFC 6750 §3.1. */
export async function requireAdmin(request: FastifyRequest): Promise<void> {
  if (callerOf(request).isAdmin) return;
  const headers = { 'www-authenticate': `Bearer error="insufficient_scope", scope="${ADMIN_SCOPE}"` };
  throw new HttpProblem(403, 'forbidden', `This needs a token with the scope ${ADMIN_SCOPE}.`, { headers });
}
