import type { FastifyReply, FastifyRequest } from 'fastify';
import { notSignedInPage } from '../../web/sign-in-page.tsx';
import type { HttpApp } from '../dependencies.ts';
import { findBrowser, startSession } from '../plugins/browser.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { notFound } from '../problem.ts';
import { type SignInOptions, sendSignInOutage } from './sign-in.ts';

/** Registers the page to which the OpenID provider sends the browser back. */
export function registerSignInCallback(app: HttpApp, { signIn, publicUrl }: SignInOptions): void {
  app.get('/sign-in/callback', {
    schema: { hide: true },
    config: { isSignIn: true },
    // It has an effect, so it answers no HEAD.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      if (signIn.kind !== 'oidc') throw notFound();
      const query = new URL(request.url, publicUrl).searchParams;
      const outcome = await signIn.oidc.finish(findBrowser(request).browserHash, query);
      switch (outcome.kind) {
        case 'signed-in':
          await startSession(request, reply, outcome.user);
          return reply.redirect(`${publicUrl}${outcome.returnTo}`, 303);
        case 'unknown':
          return sendFailure(request, reply, 400, UNKNOWN);
        case 'denied':
          return sendFailure(request, reply, 403, 'You or the sign-in service ended the sign-in.');
        case 'refused':
          return sendFailure(request, reply, 403, `${REFUSED} Request ${request.id}.`);
        case 'unavailable':
          return sendSignInOutage(request, reply);
        default:
          return outcome satisfies never;
      }
    },
  });
}

const UNKNOWN =
  'This sign-in was finished already, began in another browser, or took longer than 10 minutes. Your browser must accept cookies.';
const REFUSED =
  'The answer of the sign-in service can’t be accepted. If this happens again, tell the people who run this service.';

function sendFailure(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  explanation: string,
): FastifyReply {
  const html = notSignedInPage(pageFrame(request, reply), explanation, { isRetriable: true });
  return sendPage(reply, status, html);
}
