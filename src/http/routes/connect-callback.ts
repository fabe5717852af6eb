import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ISSUER_KEY } from '../../connect/clients/redirect-uri.ts';
import { isSettled } from '../../connect/sessions/connect-session.ts';
import { unknownAnswerPage } from '../../web/connect/link-page.tsx';
import type { Retry } from '../../web/error-page.tsx';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { seenBrowser } from '../plugins/browser.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';

type Dependencies = Pick<HttpDependencies, 'connect'>;

const tags = ['Connecting'];

/** Registers the redirect URIs. */
export function registerConnectCallback(app: HttpApp, deps: Dependencies): void {
  const schema = { tags, ...WITHOUT_TOKEN, response: { 303: z.undefined() } };
  app.get('/oauth/callback', {
    schema: { ...schema, operationId: 'oauthCallback', summary: 'Redirect URI of the authorization request' },
    config: { isSignIn: true, problems: [403], connectingRetry: reload },
    // It has an effect, so it answers no HEAD.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      await completeFlow(deps, request, reply);
      return reply;
    },
  });
  app.get('/oauth/callback/:issuerKey', {
    schema: {
      ...schema,
      operationId: 'oauthCallbackOfIssuer',
      summary: 'Redirect URI for an authorization server whose answers have no `iss`',
      hide: true,
      params: z.object({ issuerKey: z.string().regex(ISSUER_KEY) }),
    },
    config: { isSignIn: true, connectingRetry: reload },
    // As above.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      await completeFlow(deps, request, reply, request.params.issuerKey);
      return reply;
    },
  });
}

function reload(): Retry {
  return { kind: 'reload' };
}

async function completeFlow(
  { connect }: Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  issuerKey?: string,
): Promise<FastifyReply> {
  // From the address itself: a query parser could make one parameter of two.
  const parameters = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  const browser = seenBrowser(request);
  const outcome = await connect.complete({ parameters, issuerKey, ...browser });
  const frame = pageFrame(request, reply);
  if (outcome.kind === 'unknown-state') {
    return sendPage(reply, 403, unknownAnswerPage(frame));
  }
  const { session } = outcome;
  const returnUrl = isSettled(session) ? connect.returnUrl(session) : undefined;
  // A redirect, so that the code is not in the address of a page, and reloading does not send it again.
  return reply.redirect(returnUrl ?? `${frame.base}/connect-sessions/${session.id}/outcome`, 303);
}
