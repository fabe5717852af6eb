import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ConnectingProblem, errorPage, type Retry } from '../../web/error-page.tsx';
import { acceptsHtml, namesHtml } from '../accepts-html.ts';
import { assertOurHost, isOurHost } from '../own-origin.ts';
import type { HttpProblem } from '../problem.ts';
import { BROWSER_SETTINGS, type BrowserSettings, loadBrowser, settingsOf } from './browser.ts';
import { acceptFormsOnly } from './form-body.ts';
import type { LimitRate } from './rate-limit.ts';
import { pageFrame, sendPage } from './send-page.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The page accepts guesses of links, states or codes: an address may try it only a few times a minute. */
    isSignIn?: true;
    /**
     * The page is part of connecting a server, so the pages of its problems say "Not connected". Returns where the user
     * can try again; its path is below PUBLIC_URL.
     */
    connectingRetry?: (request: FastifyRequest) => Retry;
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
  scope.addHook('onRequest', loadBrowser);
}

/** The decorator of scopes that have no pages of their own, and show only their problems as pages. */
const ONLY_BROWSERS = 'onlyBrowsers';

/**
 * Answers the problems of a scope with a page if the client accepts `text/html` by name, as a browser does that opened a
 * wrong address. Other clients get problem documents.
 */
export function showProblemsToBrowsers(scope: FastifyInstance, settings: BrowserSettings): void {
  scope.decorate(BROWSER_SETTINGS, settings);
  scope.decorate(ONLY_BROWSERS, true);
  scope.addHook('onRequest', async (request) => {
    if (wantsPage(request) && isOurHost(request, settings.publicUrl)) await loadBrowser(request);
  });
}

/** Leads a browser that is not signed in to the sign-in, and then back to this page. */
export function redirectToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { publicUrl } = settingsOf(request);
  const returnTo = request.method === 'GET' ? request.url : '/';
  return reply.redirect(`${publicUrl}/sign-in?returnTo=${encodeURIComponent(returnTo)}`, 303);
}

/** Whether the problem of a request is sent as a page. */
export function wantsPage(request: FastifyRequest): boolean {
  const { server, headers } = request;
  if (!server.hasDecorator(BROWSER_SETTINGS)) return false;
  return server.hasDecorator(ONLY_BROWSERS) ? namesHtml(headers.accept) : acceptsHtml(headers.accept);
}

export function sendProblemPage(
  problem: HttpProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, message: detail, headers } = problem;
  const frame = pageFrame(request, reply);
  const connecting = connectingProblem(request, status, frame.base);
  const html = errorPage(frame, { status, detail, requestId: request.id, connecting });
  return sendPage(reply.headers(headers), status, html);
}

function connectingProblem(
  request: FastifyRequest,
  status: number,
  base: string,
): ConnectingProblem | undefined {
  const { connectingRetry } = request.routeOptions.config;
  if (connectingRetry === undefined) return undefined;
  if (!MAY_PASS.has(status)) return {};
  const retry = connectingRetry(request);
  return { retry: retry.kind === 'reload' ? retry : { ...retry, path: `${base}${retry.path}` } };
}

/** A form that has expired, too many requests, a failure of ours, something that is away. */
const MAY_PASS = new Set([403, 429, 500, 503]);
