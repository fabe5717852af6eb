import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorPage } from '../../web/error-page.tsx';
import { acceptsHtml } from '../accepts-html.ts';
import type { HttpProblem } from '../problem.ts';
import { BROWSER_SETTINGS, type BrowserSettings, knowBrowser, pageFrame, sendPage } from './browser.ts';
import { acceptFormsOnly } from './form-body.ts';
import { assertOurHost, isOurHost } from './own-origin.ts';

/**
 * Makes a scope one of pages for browsers: forms instead of JSON, cookies, only at the host of PUBLIC_URL. Errors are
 * pages too, where the client accepts HTML.
 */
export function servePages(scope: FastifyInstance, settings: BrowserSettings): void {
  scope.decorate(BROWSER_SETTINGS, settings);
  acceptFormsOnly(scope);
  scope.addHook('onRequest', async (request, reply) => {
    const isSafe = request.method === 'GET' || request.method === 'HEAD';
    if (isSafe && !isOurHost(request, settings.publicUrl)) {
      return reply.redirect(`${settings.publicUrl}${request.url}`, 302);
    }
    assertOurHost(request, settings.publicUrl);
  });
  scope.addHook('onRequest', knowBrowser);
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
