import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';

/** Whom a request is about, and what it may do. */
export interface Caller {
  /** The user that the request is about. */
  userId: string;
  isAdmin: boolean;
  /** An admin whose token also has the scope `latchkey:admin:content`: sees what tools are called with and answer. */
  seesContent?: boolean;
  /** The user id of a token that acts for `userId`, the user of `Latchkey-User`. Absent: the token is the user's own. */
  actedBy?: string;
}

/** What a valid token allows. */
export interface TokenCaller extends Caller {
  mayActForUsers: boolean;
}

export const ADMIN_SCOPE = 'latchkey:admin';
export const CONTENT_SCOPE = 'latchkey:admin:content';
export const ACT_FOR_USERS_SCOPE = 'latchkey:act-for-users';

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

/** Returns who acts, for the audit log: the service that acts for a user, else the user. */
export function actorOf(request: FastifyRequest): string {
  const { actedBy, userId } = callerOf(request);
  return actedBy ?? userId;
}

/** The `onRequest` hook of admin routes. RFC 6750 §3.1. */
export async function requireAdmin(request: FastifyRequest): Promise<void> {
  const { isAdmin, actedBy } = callerOf(request);
  if (isAdmin) return;
  if (actedBy !== undefined) throw new HttpProblem(403, 'forbidden', NO_ADMIN_FOR_USERS);
  throw insufficientScope(ADMIN_SCOPE);
}

const NO_ADMIN_FOR_USERS =
  'A request that acts for a user has no admin rights: leave out the header Latchkey-User.';

/** RFC 6750 §3.1. */
export function insufficientScope(scope: string): HttpProblem {
  const headers = { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` };
  return new HttpProblem(403, 'forbidden', `This needs a token with the scope ${scope}.`, { headers });
}
