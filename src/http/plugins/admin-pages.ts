import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from '../problem.ts';
import { findBrowser } from './browser.ts';
import { redirectToSignIn } from './pages.ts';

/**
 * The `onRequest` hook of pages for admins. Leads browsers that are not signed in to the sign-in.
 *
 * @throws HttpProblem 403
 */
export async function requireAdminSession(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { session } = findBrowser(request);
  if (session === undefined) return redirectToSignIn(request, reply);
  if (session.isAdmin) return undefined;
  throw new HttpProblem(403, 'forbidden', 'This page is for admins of this service.');
}

/** Returns the admin's user id, for the audit log. @throws on a route without `requireAdminSession` */
export function adminOf(request: FastifyRequest): string {
  const { session } = findBrowser(request);
  if (session === undefined || !session.isAdmin) throw new Error('this page is not limited to admins');
  return session.userId;
}
