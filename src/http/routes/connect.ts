import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { mayBegin } from '../../connect/connect-flow.ts';
import type { ConnectSession } from '../../connect/sessions/connect-session.ts';
import { accountOf, credentialKey, DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import { present } from '../../contracts/present.ts';
import { accountSchema, idSchema, stepIdSchema } from '../../schemas/id.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { type ConnectTarget, connectPage } from '../../web/connect/connect-page.tsx';
import {
  brokenLinkPage,
  type LinkProblem,
  linkPage,
  reconnectPage,
  unknownServerPage,
} from '../../web/connect/link-page.tsx';
import { OWN_PAGES, type OwnPage, ownPagePath } from '../../web/connect/own-page.ts';
import type { Retry } from '../../web/error-page.tsx';
import { serverName } from '../../web/server-name.ts';
import { accountWords } from '../../web/step-words.ts';
import { acceptsHtml } from '../accepts-html.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { assertForm, csrfField, ensureBrowser, findBrowser, settingsOf } from '../plugins/browser.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import type { LimitKeys } from '../plugins/rate-limit.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { tooManyConnectSessions } from '../problem.ts';
import { problemOfError } from '../problem-of-error.ts';

export type ConnectPageDependencies = Pick<HttpDependencies, 'connect' | 'servers'> & {
  web: Pick<HttpDependencies['web'], 'signIn'>;
  limitBegins: LimitKeys;
};

const LINK = z.string().max(128).optional();
const FROM = z.enum(OWN_PAGES).optional().catch(undefined);
const params = z.object({ mcpServerId: idSchema });
const schema = { tags: ['Connecting'], ...WITHOUT_TOKEN, params };

/** Registers the page of a `connectUrl` and of a link. Opening it sets a cookie and changes nothing else. */
export function registerConnect(app: HttpApp, deps: ConnectPageDependencies): void {
  app.get('/connect/:mcpServerId', {
    schema: {
      ...schema,
      operationId: 'connectPage',
      summary: 'The page of a connectUrl',
      querystring: z.object({ step: z.string().optional(), account: accountSchema, link: LINK, from: FROM }),
      response: { 200: { content: { 'text/html': { schema: z.string() } } }, 303: z.undefined() },
    },
    config: { problems: [403, 404], connectingRetry: samePage },
    errorHandler: (error, request, reply) => {
      if (!acceptsHtml(request.headers.accept) || problemOfError(error).status !== 400) throw error;
      return sendPage(reply, 400, brokenLinkPage(pageFrame(request, reply)));
    },
    handler: async (request, reply) => {
      const { mcpServerId } = request.params;
      await showPage(deps, request, reply, { mcpServerId, ...request.query });
      return reply;
    },
  });
  app.post('/connect/:mcpServerId', {
    schema: {
      ...schema,
      operationId: 'beginConnecting',
      summary: 'Send the browser to the authorization server',
      hide: true,
      body: z.strictObject({ step: z.string().optional(), account: accountSchema, link: LINK, from: FROM }),
    },
    config: { connectingRetry: pageOfForm },
    preValidation: assertForm,
    handler: async (request, reply) => {
      const { mcpServerId } = request.params;
      return beginConnecting(deps, request, reply, { mcpServerId, ...request.body });
    },
  });
}

function samePage({ url }: FastifyRequest): Retry {
  const { pathname: path, searchParams } = new URL(url, BELOW_PUBLIC_URL);
  return { kind: 'open', path, query: [...searchParams] };
}

/** The body is not validated yet, and may be anything. */
function pageOfForm({ url, body }: FastifyRequest): Retry {
  const fields = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const query = fields.filter(
    (field): field is [string, string] =>
      ['step', 'account', 'link', 'from'].includes(field[0]) && typeof field[1] === 'string',
  );
  return { kind: 'open', path: new URL(url, BELOW_PUBLIC_URL).pathname, query };
}

/** Only completes the address of a request for the parser. */
const BELOW_PUBLIC_URL = 'http://latchkey.invalid';

interface Asked {
  mcpServerId: string;
  step?: string | undefined;
  account?: string | undefined;
  link?: string | undefined;
  from?: OwnPage | undefined;
}

async function showPage(
  deps: ConnectPageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<FastifyReply> {
  ensureBrowser(request, reply);
  const frame = pageFrame(request, reply);
  const { mcpServerId, step, account, link, from } = asked;
  const entry = await findEntry(deps, request, asked);
  if (entry.kind === 'problem') return sendPage(reply, 403, linkPage(frame, entry.problem));
  if (entry.kind === 'signed-out') {
    if (deps.web.signIn.kind !== 'links') return redirectToSignIn(request, reply);
    // The same for every id, so that strangers can't find out which servers are registered.
    return sendPage(reply, 200, reconnectPage(frame, { mcpServerId, name: mcpServerId, step }));
  }
  const server = await deps.servers.find(mcpServerId);
  if (server === undefined) return sendPage(reply, 404, unknownServerPage(frame, mcpServerId));
  const html = connectPage(frame, {
    target: connectTargetOf(server, entry.key),
    waiting: await deps.connect.countWaiting(entry.key),
    form: {
      action: `${frame.base}/connect/${encodeURIComponent(mcpServerId)}`,
      csrf: csrfField(request, reply),
      fields: present({ step, account, link, from }),
    },
  });
  return sendPage(reply, 200, html, { formAction: AUTHORIZATION_SERVERS });
}

/** Chromium applies `form-action` to the redirect that answers the form, too. */
export const AUTHORIZATION_SERVERS = ['https:', 'http:'];

async function beginConnecting(
  deps: ConnectPageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<FastifyReply> {
  const { connect } = deps;
  const entry = await findEntry(deps, request, asked);
  const frame = pageFrame(request, reply);
  if (entry.kind === 'problem') return sendPage(reply, 403, linkPage(frame, entry.problem));
  if (entry.kind === 'signed-out') return sendPage(reply, 403, linkPage(frame, { kind: 'unknown' }));
  if ((await deps.servers.find(asked.mcpServerId)) === undefined) {
    return sendPage(reply, 404, unknownServerPage(frame, asked.mcpServerId));
  }
  const session =
    entry.kind === 'link'
      ? entry.session
      : await connect.startSession(entry.key, ownPagePath(settingsOf(request).publicUrl, knownStep(asked)));
  if (session === undefined) throw tooManyConnectSessions();
  return redirectToAuthorizationServer(deps, request, reply, session);
}

/** Leaves out a step's id that no step can have. */
function knownStep({ step, ...asked }: Asked): Asked {
  return stepIdSchema.safeParse(step).success ? { ...asked, step } : asked;
}

/** Sends the browser to the authorization server, or to the page that says why not. */
export async function redirectToAuthorizationServer(
  { connect, limitBegins }: Pick<ConnectPageDependencies, 'connect' | 'limitBegins'>,
  request: FastifyRequest,
  reply: FastifyReply,
  session: ConnectSession,
): Promise<FastifyReply> {
  await limitBegins(request, [`session:${session.id}`, `user:${session.key.userId}`]);
  const outcome = await connect.begin(session, ensureBrowser(request, reply));
  const { base } = pageFrame(request, reply);
  const outcomePage = `${base}/connect-sessions/${session.id}/outcome`;
  return reply.redirect(outcome.kind === 'redirect' ? outcome.url.href : outcomePage, 303);
}

/** Who connects, and how that is known. */
type Entry =
  | { kind: 'link'; key: CredentialKey; session: ConnectSession }
  | { kind: 'signed-in'; key: CredentialKey }
  | { kind: 'signed-out' }
  | { kind: 'problem'; problem: LinkProblem };

async function findEntry(
  { connect }: Pick<ConnectPageDependencies, 'connect'>,
  request: FastifyRequest,
  { mcpServerId, account, link }: Asked,
): Promise<Entry> {
  const user = findBrowser(request).session;
  if (link === undefined) {
    if (user === undefined) return { kind: 'signed-out' };
    return { kind: 'signed-in', key: credentialKey({ userId: user.userId, mcpServerId, account }) };
  }
  const session = await connect.findOfLink(link, mcpServerId);
  if (session === undefined) return { kind: 'problem', problem: { kind: 'unknown' } };
  const { key } = session;
  if (user !== undefined && user.userId !== key.userId) {
    return { kind: 'problem', problem: { kind: 'other-user', signedInUserId: user.userId } };
  }
  if (mayBegin(session)) return { kind: 'link', key, session };
  const isUsed = session.status === 'connected' || session.status === 'awaiting-confirmation';
  return { kind: 'problem', problem: { kind: isUsed ? 'used' : 'expired' } };
}

export function connectTargetOf(server: RegisteredServer, key: CredentialKey): ConnectTarget {
  return {
    server: serverName(server),
    host: new URL(server.url).host,
    account: accountWords({ account: accountOf(key) }),
    isDefaultAccount: accountOf(key) === DEFAULT_ACCOUNT,
    userId: key.userId,
  };
}
