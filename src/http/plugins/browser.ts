// What the server knows of a browser by its cookies, for the routes of pages (`servePages` in pages.ts). Every browser
// has a browser cookie, to which its forms and its authorizations under way are bound. The session cookie says who is
// signed in. Both hold opaque ids.
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createOpaqueToken, hashOpaqueToken } from '../../vault/opaque-token.ts';
import { type CsrfKeys, createCsrfToken, isCsrfToken } from '../../web/csrf-token.ts';
import { MAX_SESSION_DAYS, type WebSessions, type WebUser } from '../../web/session-store.ts';
import { setCaller } from '../caller.ts';
import { assertOurOrigin } from '../own-origin.ts';
import { HttpProblem } from '../problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The page's script requests this route; such a request does not extend the session. */
    isBackground?: true;
  }
}

export interface BrowserSettings {
  publicUrl: string;
  csrfKeys: CsrfKeys;
  sessions: WebSessions;
  /** Returns the change number of a user: a page says which changes it shows. */
  currentChange(userId: string): Promise<string>;
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
const BROWSER_STATE = 'browserState';

export interface BrowserState {
  browserId?: string | undefined;
  session?: (WebUser & { id: string }) | undefined;
  /** The user's change number when the request came; undefined: it could not be read, or no page is asked for. */
  change?: string | undefined;
}

type CookieKind = 'browser' | 'session';

const OPAQUE_ID = /^[A-Za-z0-9_-]{43}$/;
const MAX_AGE_SECONDS = MAX_SESSION_DAYS * 24 * 60 * 60;

export function settingsOf(request: FastifyRequest): BrowserSettings {
  return request.server.getDecorator<BrowserSettings>(BROWSER_SETTINGS);
}

export function decorateWithBrowser(app: FastifyInstance): void {
  app.decorateRequest(BROWSER_STATE, undefined);
}

/** The `onRequest` hook of pages: reads the cookies and finds the session. */
export async function loadBrowser(request: FastifyRequest): Promise<void> {
  const settings = settingsOf(request);
  const state: BrowserState = { browserId: readCookie(request, settings, 'browser') };
  request.setDecorator(BROWSER_STATE, state);
  state.session = await readSession(request, settings);
  // For the request log and the limits on a user's requests.
  if (state.session === undefined) return;
  const { userId, isAdmin } = state.session;
  setCaller(request, { userId, isAdmin });
  // Before the page is read, so that the page shows this change at least. Without the number, the page is fetched again.
  if (request.method === 'GET') state.change = await settings.currentChange(userId).catch(() => undefined);
}

/** Returns the session of a request's cookie, or undefined if it has none or the session has ended. */
export async function readSession(
  request: FastifyRequest,
  settings: Pick<BrowserSettings, 'publicUrl' | 'sessions'>,
): Promise<(WebUser & { id: string }) | undefined> {
  const id = readCookie(request, settings, 'session');
  if (id === undefined) return undefined;
  const user = await settings.sessions.find(id, !isBackground(request));
  return user && { ...user, id };
}

/** Whether the page's script sent the request without its reader. A page left open must not keep a session alive. */
export function isBackground({ routeOptions, headers }: FastifyRequest): boolean {
  return routeOptions.config.isBackground === true || headers['latchkey-refresh'] !== undefined;
}

export function hasSessionCookie(request: FastifyRequest, settings: Pick<BrowserSettings, 'publicUrl'>) {
  return readCookie(request, settings, 'session') !== undefined;
}

export function findBrowser(request: FastifyRequest): Browser {
  const { browserId, session } = browserStateOf(request);
  return {
    ...(session && { session: { userId: session.userId, isAdmin: session.isAdmin } }),
    ...(browserId !== undefined && { browserHash: hashInText(browserId) }),
  };
}

/** What the consent flow needs to know of a browser. */
export function seenBrowser(request: FastifyRequest) {
  const { browserHash, session } = findBrowser(request);
  return { browserHash, signedInUserId: session?.userId };
}

/** Returns the hash of the browser cookie. Sets the cookie if the browser has none. */
export function ensureBrowser(request: FastifyRequest, reply: FastifyReply): string {
  const state = browserStateOf(request);
  if (state.browserId === undefined) {
    state.browserId = createOpaqueToken();
    setCookie(request, reply, 'browser', state.browserId);
  }
  return hashInText(state.browserId);
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
  if (browserStateOf(request).browserId === undefined || !isCsrfToken(csrfKeys, formOwner(request), csrf)) {
    throw new HttpProblem(
      403,
      'forbidden',
      'This form has expired, or another browser opened it. Go back, reload the page and try again. Your browser must accept cookies.',
    );
  }
  request.body = fields;
}

/** Signs the browser in under a new session id. An id that someone planted in the browser before is worth nothing. */
export async function startSession(
  request: FastifyRequest,
  reply: FastifyReply,
  user: WebUser,
): Promise<void> {
  const settings = settingsOf(request);
  const id = await settings.sessions.begin(user, readCookie(request, settings, 'session'));
  browserStateOf(request).session = { ...user, id };
  setCookie(request, reply, 'session', id);
}

/**
 * Signs the browser out. The browser cookie ends too, so that the next person at this browser can't continue what was
 * begun here.
 */
export async function endSession(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const settings = settingsOf(request);
  const { session } = browserStateOf(request);
  if (session !== undefined) await settings.sessions.end(session.id);
  const state = browserStateOf(request);
  state.session = undefined;
  state.browserId = undefined;
  for (const kind of ['session', 'browser'] as const) {
    reply.clearCookie(cookieName(kind, settings.publicUrl), cookieOptions(settings.publicUrl));
  }
}

/** Returns what is known of a request's browser. Empty where no page is served. */
export function browserStateOf(request: FastifyRequest): BrowserState {
  return request.getDecorator<BrowserState | undefined>(BROWSER_STATE) ?? {};
}

function formOwner(request: FastifyRequest): string[] {
  const { browserId, session } = browserStateOf(request);
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
