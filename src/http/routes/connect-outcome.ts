import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { mayBegin, shownStatus } from '../../connect/connect-flow.ts';
import { pendingConsentId } from '../../connect/pending-consent.ts';
import { type ConnectSession, isSettled } from '../../connect/sessions/connect-session.ts';
import { idSchema } from '../../schemas/id.ts';
import { choicePage, type RefusedChoice } from '../../web/connect/choice-page.tsx';
import { linkPage } from '../../web/connect/link-page.tsx';
import {
  awaitingConfirmationPage,
  connectedPage,
  notConnectedPage,
  unfinishedPage,
} from '../../web/connect/outcome-page.tsx';
import type { Retry } from '../../web/error-page.tsx';
import type { PageFrame } from '../../web/page.tsx';
import { connectionsPath } from '../../web/paths.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { assertForm, csrfField, seenBrowser } from '../plugins/browser.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { summarizeSteps } from '../summarize-steps.ts';
import {
  AUTHORIZATION_SERVERS,
  type ConnectPageDependencies,
  connectTargetOf,
  redirectToAuthorizationServer,
} from './connect.ts';

type Dependencies = ConnectPageDependencies & Pick<HttpDependencies, 'steps'>;

const tags = ['Connecting'];
const params = z.object({ id: idSchema });

/** Registers the pages that follow a consent. */
export function registerConnectOutcome(app: HttpApp, deps: Dependencies): void {
  registerOutcome(app, deps);
  registerRetry(app, deps);
  registerChoice(app, deps);
}

/** The page that has the forms. */
function outcomeOf({ url }: FastifyRequest): Retry {
  const [address = ''] = url.split('?', 1);
  return { kind: 'open', path: address.replace(/\/[^/]*$/, '/outcome'), query: [] };
}

function registerOutcome(app: HttpApp, deps: Dependencies): void {
  app.get('/connect-sessions/:id/outcome', {
    schema: {
      tags,
      ...WITHOUT_TOKEN,
      operationId: 'connectOutcome',
      summary: 'The page after a consent',
      hide: true,
      params,
    },
    config: { connectingRetry: outcomeOf },
    handler: async (request, reply) => {
      const session = await deps.connect.findOfBrowser(request.params.id, seenBrowser(request));
      if (session === undefined) return refuseBrowser(request, reply);
      return showOutcome(deps, request, reply, { session });
    },
  });
}

function registerRetry(app: HttpApp, deps: Dependencies): void {
  app.post('/connect-sessions/:id/retry', {
    schema: {
      tags,
      ...WITHOUT_TOKEN,
      operationId: 'retryConnecting',
      summary: 'Try again',
      hide: true,
      params,
    },
    config: { connectingRetry: outcomeOf },
    preValidation: assertForm,
    handler: async (request, reply) => {
      const session = await deps.connect.findOfBrowser(request.params.id, seenBrowser(request));
      if (session === undefined) return refuseBrowser(request, reply);
      if (!mayBegin(session)) return reply.redirect(outcomeAddress(request, reply, session), 303);
      return redirectToAuthorizationServer(deps, request, reply, session);
    },
  });
}

/** Which consent the form asked about. */
const consent = z.string().max(64);
const choiceSchema = z.discriminatedUnion('choice', [
  z.strictObject({ choice: z.literal('replace'), consent }),
  z.strictObject({ choice: z.literal('another'), account: idSchema, consent }),
]);

function registerChoice(app: HttpApp, deps: Dependencies): void {
  app.post('/connect-sessions/:id/account', {
    schema: {
      tags,
      ...WITHOUT_TOKEN,
      operationId: 'chooseAccount',
      summary: 'Replace an account, or keep another',
      hide: true,
      params,
      body: choiceSchema,
    },
    config: { connectingRetry: outcomeOf },
    preValidation: assertForm,
    handler: async (request, reply) => {
      const { connect } = deps;
      const session = await connect.findOfBrowser(request.params.id, seenBrowser(request));
      if (session === undefined) return refuseBrowser(request, reply);
      const { body } = request;
      const choice =
        body.choice === 'replace'
          ? ({ kind: 'replace' } as const)
          : ({ kind: 'another', account: body.account } as const);
      const outcome = await connect.choose(session, choice, body.consent);
      const takenName =
        outcome.kind === 'account-taken' && choice.kind === 'another' ? choice.account : undefined;
      if (takenName !== undefined)
        return showOutcome(deps, request, reply, { session, refused: { takenName } });
      const settled = await connect.findOfBrowser(session.id, seenBrowser(request));
      if (settled !== undefined && outcome.kind === 'another-consent') {
        return showOutcome(deps, request, reply, { session: settled, refused: { isAnotherConsent: true } });
      }
      const returnUrl = settled && isSettled(settled) ? connect.returnUrl(settled) : undefined;
      return reply.redirect(returnUrl ?? outcomeAddress(request, reply, session), 303);
    },
  });
}

function outcomeAddress(request: FastifyRequest, reply: FastifyReply, { id }: ConnectSession): string {
  return `${pageFrame(request, reply).base}/connect-sessions/${id}/outcome`;
}

async function showOutcome(
  deps: Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { session, refused = {} }: { session: ConnectSession; refused?: RefusedChoice },
): Promise<FastifyReply> {
  const frame = pageFrame(request, reply);
  const csrf = csrfField(request, reply);
  const { status, html } = await outcomePage(deps, session, { frame, csrf, refused });
  // The choice may lead to the host's page, and "Try again" to the authorization server.
  return sendPage(reply, status, html, { formAction: AUTHORIZATION_SERVERS });
}

async function outcomePage(
  { connect, servers, steps }: Dependencies,
  session: ConnectSession,
  { frame, csrf, refused }: { frame: PageFrame; csrf: string; refused: RefusedChoice },
): Promise<{ status: number; html: string }> {
  const { key, code, label, detail } = session;
  const server = await servers.find(key.mcpServerId);
  if (server === undefined) {
    return { status: 404, html: notConnectedPage(frame, { code: 'server-removed', detail }) };
  }
  const target = connectTargetOf(server, key);
  const returnUrl = connect.returnUrl(session);
  const action = (name: string) => ({ action: `${frame.base}/connect-sessions/${session.id}/${name}`, csrf });
  const page = { target, returnUrl, ownPage: ownPageOf(session, frame.base), label };
  const status = shownStatus(session);
  switch (status) {
    case 'connected': {
      const { resumed, renewal } = session;
      const listed = await summarizeSteps(steps, key.userId, resumed.stepIds);
      const address = `${frame.base}/connect-sessions/${session.id}/outcome`;
      return ok(connectedPage(frame, { ...page, address, renewal, steps: listed, stepCount: resumed.count }));
    }
    case 'awaiting-confirmation':
      return ok(awaitingConfirmationPage(frame, page));
    case 'denied':
    case 'failed': {
      const form = mayBegin(session) ? action('retry') : undefined;
      return ok(notConnectedPage(frame, { ...page, code: code ?? 'authorization-refused', detail, form }));
    }
    case 'open':
      if (code !== 'account-mismatch') return ok(unfinishedPage(frame, { ...page, isOver: false }));
      return ok(
        choicePage(frame, {
          ...page,
          ...refused,
          form: { ...action('account'), consent: pendingConsentId(session) },
        }),
      );
    case 'expired':
      return ok(unfinishedPage(frame, { ...page, isOver: true }));
    default:
      return status satisfies never;
  }
}

/** Where the user came from to a session that the page made. */
function ownPageOf({ isLink, returnTo }: ConnectSession, base: string): string | undefined {
  if (isLink) return undefined;
  const url = returnTo === undefined ? null : URL.parse(returnTo);
  return url === null ? connectionsPath(base) : `${url.pathname}${url.search}`;
}

function ok(html: string): { status: number; html: string } {
  return { status: 200, html };
}

function refuseBrowser(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(reply, 403, linkPage(pageFrame(request, reply), { kind: 'other-browser' }));
}
