import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageFrame } from '../../web/page.tsx';
import { isTrustworthy } from '../own-origin.ts';
import { browserStateOf, csrfField, settingsOf } from './browser.ts';

/** What surrounds a page for this browser. */
export function pageFrame(request: FastifyRequest, reply: FastifyReply): PageFrame {
  const base = new URL(settingsOf(request).publicUrl).pathname.replace(/\/$/, '');
  const { session } = browserStateOf(request);
  if (session === undefined) return { base };
  return { base, user: { userId: session.userId, csrf: csrfField(request, reply) } };
}

export interface PageOptions {
  /** Where the forms of the page may lead, also by a redirect, beside this server: CSP sources. */
  formAction?: readonly string[];
}

/** Sends a page. It loads nothing but this server's stylesheet. */
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
    "img-src 'self' data:",
    ["form-action 'self'", ...formAction].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join(';');
}
