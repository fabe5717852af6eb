// What the server knows of a browser by its cookies, for the routes of pages (`servePages` in pages.ts). Every browser
// has a browser cookie, to which its forms and its authorizations under way are bound. The session cookie says who is
// signed in. Both hold opaque ids.
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createOpaqueToken, hashOpaqueToken } from '../../vault/opaque-token.ts';
import { type CsrfKeys, createCsrfToken, isCsrfToken } from '../../web/csrf-token.ts';
import type { PageFrame } from '../../web/page.tsx';
import { MAX_SESSION_DAYS, type WebSessions, type WebUser } from '../../web/session-store.ts';
import { setCaller } from '../caller.ts';
import { assertOurOrigin, isTrustworthy } from '../own-origin.ts';
import { HttpProblem } from '../problem.ts';

export interface BrowserSettings {
  publicUrl: string;
  csrfKeys: CsrfKeys;
  sessions: WebSessions;
}

/** A request's browser, as far as it is known. */
export interface Browser {
  session?: WebUser;
  /** The SHA-256 of the browser cookie, in base64url. */
  browserHash?: string;
}

/** The name of the decorator that holds the BrowserSettings of a scope. Only scopes of pages have it. */
export const BROWSER_SETTINGS = 'browserSettings';
/** The name of the decorator that holds what is known of a request's browser. */
const KNOWN = 'knownBrowser';

interface Known {
  browserId?: string | undefined;
  session?: (WebUser & { id: string }) | undefined;
}

type CookieKind = 'browser' | 'session';

const OPAQUE_ID = /^[A-Za-z0-9_-]{43}$/;
const MAX_AGE_SECONDS = MAX_SESSION_DAYS * 24 * 60 * 60;

export function settingsOf(request: FastifyRequest): BrowserSettings {
  return request.server.getDecorator<BrowserSettings>(BROWSER_SETTINGS);
}

export function decorateWithBrowser(app: FastifyInstance): void {
  app.decorateRequest(KNOWN, undefined);
}

/** The `onRequest` hook of pages: reads the cookies and finds the session. */
export async function knowBrowser(request: FastifyRequest): Promise<void> {
  const settings = settingsOf(request);
  const known: Known = { browserId: readCookie(request, settings, 'browser') };
  request.setDecorator(KNOWN, known);
  known.session = await readSession(request, settings);
  // For the request log and the limits on a user's requests.
  if (known.session !== undefined)
    setCaller(request, { userId: known.session.userId, isAdmin: known.session.isAdmin });
}

/** Returns the session of a request's cookie, or undefined if it has none or the session has ended. */
export async function readSession(
  request: FastifyRequest,
  settings: Pick<BrowserSettings, 'publicUrl' | 'sessions'>,
): Promise<(WebUser & { id: string }) | undefined> {
  const id = readCookie(request, settings, 'session');
  if (id === undefined) return undefined;
  const user = await settings.sessions.find(id);
  return user && { ...user, id };
}

export function hasSessionCookie(request: FastifyRequest, settings: Pick<BrowserSettings, 'publicUrl'>) {
  return readCookie(request, settings, 'session') !== undefined;
}

export function findBrowser(request: FastifyRequest): Browser {
  const { browserId, session } = knownOf(request);
  return {
    ...(session && { session: { userId: session.userId, isAdmin: session.isAdmin } }),
    ...(browserId !== undefined && { browserHash: hashInText(browserId) }),
  };
}

/** Returns the hash of the browser cookie. Sets the cookie if the browser has none. */
export function ensureBrowser(request: FastifyRequest, reply: FastifyReply): string {
  const known = knownOf(request);
  if (known.browserId === undefined) {
    known.browserId = createOpaqueToken();
    setCookie(request, reply, 'browser', known.browserId);
  }
  return hashInText(known.browserId);
}

/** Returns the value of a form's hidden field `csrf`. Sets the browser cookie if the browser has none. */
export function csrfField(request: FastifyRequest, reply: FastifyReply): string {
  ensureBrowser(request, reply);
  return createCsrfToken(settingsOf(request).csrfKeys, formOwner(request));
}

/**
 * The `preValidation` hook of POST pages: the form must come from a page of ours that this browser opened in its current
 * session. Removes the field `csrf` from the body, so that the route's schema describes only its own fields.
 *
 * @throws HttpProblem 403
 */
export async function assertForm(request: FastifyRequest): Promise<void> {
  const { publicUrl, csrfKeys } = settingsOf(request);
  assertOurOrigin(request, publicUrl);
  const { csrf, ...fields } = fieldsOf(request.body);
  if (knownOf(request).browserId === undefined || !isCsrfToken(csrfKeys, formOwner(request), csrf)) {
    throw new HttpProblem(
      403,
      'forbidden',
      'This form has expired, or another browser opened it. Go back, reload the page and try again. Your browser must accept cookies.',
    );
  }
  request.body = fields;
}

/** What surrounds a page for this browser. */
export function pageFrame(request: FastifyRequest, reply: FastifyReply): PageFrame {
  const base = new URL(settingsOf(request).publicUrl).pathname.replace(/\/$/, '');
  const { session } = knownOf(request);
  if (session === undefined) return { base };
  return { base, user: { userId: session.userId, csrf: csrfField(request, reply) } };
}

/** Signs the browser in under a new session id. An id that someone planted in the browser before is worth nothing. */
export async function startSession(
  request: FastifyRequest,
  reply: FastifyReply,
  user: WebUser,
): Promise<void> {
  const settings = settingsOf(request);
  const id = await settings.sessions.begin(user, readCookie(request, settings, 'session'));
  knownOf(request).session = { ...user, id };
  setCookie(request, reply, 'session', id);
}

/**
 * Signs the browser out. The browser cookie ends too, so that the next person at this browser can't continue what was
 * begun here.
 */
export async function endSession(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const settings = settingsOf(request);
  const { session } = knownOf(request);
  if (session !== undefined) await settings.sessions.end(session.id);
  const known = knownOf(request);
  known.session = undefined;
  known.browserId = undefined;
  for (const kind of ['session', 'browser'] as const) {
    reply.clearCookie(cookieName(kind, settings.publicUrl), cookieOptions(settings.publicUrl));
  }
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

function knownOf(request: FastifyRequest): Known {
  return request.getDecorator<Known | undefined>(KNOWN) ?? {};
}

function formOwner(request: FastifyRequest): string[] {
  const { browserId, session } = knownOf(request);
  return [browserId ?? '', session?.id ?? ''];
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

function hashInText(id: string): string {
  return hashOpaqueToken(id).toString('base64url');
}

function readCookie(
  { cookies }: FastifyRequest,
  { publicUrl }: Pick<BrowserSettings, 'publicUrl'>,
  kind: CookieKind,
): string | undefined {
  // Cookies are not parsed yet where an earlier hook refused the request.
  const value = cookies?.[cookieName(kind, publicUrl)];
  return value !== undefined && OPAQUE_ID.test(value) ? value : undefined;
}

function setCookie(request: FastifyRequest, reply: FastifyReply, kind: CookieKind, value: string): void {
  const { publicUrl } = settingsOf(request);
  reply.setCookie(cookieName(kind, publicUrl), value, {
    ...cookieOptions(publicUrl),
    maxAge: MAX_AGE_SECONDS,
  });
}

export function sessionCookieName(publicUrl: string): string {
  return cookieName('session', publicUrl);
}

/** The prefix `__Host-` keeps other hosts of the site from setting the cookie. Browsers require https for it. */
function cookieName(kind: CookieKind, publicUrl: string): string {
  return `${isHttps(publicUrl) ? '__Host-' : ''}latchkey-${kind}`;
}

/** SameSite=Lax: the browser sends the cookie when an authorization server or a link leads here, but with no POST. */
function cookieOptions(publicUrl: string): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: isHttps(publicUrl) };
}

function isHttps(publicUrl: string): boolean {
  return publicUrl.startsWith('https:');
}
