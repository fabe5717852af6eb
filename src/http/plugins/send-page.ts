import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageFrame } from '../../web/page.tsx';
import { readerOf, TIME_ZONE_COOKIE } from '../../web/reader.ts';
import { isTrustworthy } from '../own-origin.ts';
import { browserStateOf, csrfField, settingsOf } from './browser.ts';

/** What surrounds a page for this browser. */
export function pageFrame(request: FastifyRequest, reply: FastifyReply): PageFrame {
  const base = new URL(settingsOf(request).publicUrl).pathname.replace(/\/$/, '');
  const { session, change } = browserStateOf(request);
  // Cookies are not parsed yet where an earlier hook refused the request.
  const reader = readerOf(request.headers['accept-language'], request.cookies?.[TIME_ZONE_COOKIE]);
  const answersForm = request.method !== 'GET';
  const frame = { base, reader, answersForm, ...openSecondsOf(request) };
  if (session === undefined) return frame;
  const { userId, isAdmin } = session;
  const user = { userId, isAdmin, csrf: csrfField(request, reply) };
  return { ...frame, user, ...(change !== undefined && { change }) };
}

/** web/script/refresh.js */
function openSecondsOf({ headers }: FastifyRequest): Pick<PageFrame, 'openSeconds'> {
  const seconds = Number(headers['latchkey-refresh']);
  return seconds > 0 ? { openSeconds: seconds } : {};
}

export interface PageOptions {
  /** Where the forms of the page may lead, also by a redirect, beside this server: CSP sources. */
  formAction?: readonly string[];
}

/** Sends a page. It loads nothing but files of this server. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  html: string,
  { formAction = [] }: PageOptions = {},
): FastifyReply {
  // Without `Sec-Fetch-Site`, `assertOurOrigin` needs the Origin, which `no-referrer` hides.
  if (!isTrustworthy(settingsOf(reply.request).publicUrl)) reply.header('referrer-policy', 'same-origin');
  return reply
    .code(status)
    .header('content-security-policy', contentSecurityPolicy(formAction))
    .type('text/html; charset=utf-8')
    .send(Buffer.from(html)); // Bytes, because the response may have no schema.
}

function contentSecurityPolicy(formAction: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "media-src 'self'",
    ["form-action 'self'", ...formAction].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join(';');
}
