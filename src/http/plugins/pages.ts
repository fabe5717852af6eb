import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorPage } from '../../web/error-page.tsx';
import { acceptsHtml } from '../accepts-html.ts';
import { assertOurHost, isOurHost } from '../own-origin.ts';
import type { HttpProblem } from '../problem.ts';
import {
  BROWSER_SETTINGS,
  type BrowserSettings,
  knowBrowser,
  pageFrame,
  sendPage,
  settingsOf,
} from './browser.ts';
import { acceptFormsOnly } from './form-body.ts';
import type { LimitRate } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The page accepts guesses of links, states or codes: an address may try it only a few times a minute. */
    isSignIn?: true;
  }
}

/**
 * Makes a scope one of pages for browsers: forms instead of JSON, cookies, only at the host of PUBLIC_URL. Errors are
 * pages too, where the client accepts HTML.
 */
export function servePages(
  scope: FastifyInstance,
  settings: BrowserSettings,
  limitSignIns: LimitRate = async () => {},
): void {
  scope.decorate(BROWSER_SETTINGS, settings);
  acceptFormsOnly(scope);
  scope.addHook('onRequest', async (request, reply) => {
    const isSafe = request.method === 'GET' || request.method === 'HEAD';
    // The address of a sign-in or a callback may hold a secret, which no answer repeats.
    const mayRepeat = isSafe && !request.routeOptions.config.isSignIn;
    if (mayRepeat && !isOurHost(request, settings.publicUrl)) {
      return reply.redirect(`${settings.publicUrl}${request.url}`, 302);
    }
    assertOurHost(request, settings.publicUrl);
  });
  scope.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isSignIn) await limitSignIns(request);
  });
  scope.addHook('onRequest', knowBrowser);
}

/** Leads a browser that is not signed in to the sign-in, and then back to this page. */
export function redirectToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { publicUrl } = settingsOf(request);
  const returnTo = request.method === 'GET' ? request.url : '/';
  return reply.redirect(`${publicUrl}/sign-in?returnTo=${encodeURIComponent(returnTo)}`, 303);
}

/** Whether the problem of a request is sent as a page. */
export function wantsPage(request: FastifyRequest): boolean {
  return request.server.hasDecorator(BROWSER_SETTINGS) && acceptsHtml(request.headers.accept);
}

export function sendProblemPage(
  problem: HttpProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, message: detail, headers } = problem;
  const html = errorPage(pageFrame(request, reply), { status, detail, requestId: request.id });
  return sendPage(reply.headers(headers), status, html);
}
