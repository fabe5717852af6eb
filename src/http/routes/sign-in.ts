import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import type { OidcSignIn } from '../../web/oidc/oidc-sign-in.ts';
import { doneOf, withDone } from '../../web/parts/done-notice.tsx';
import { isOwnPath } from '../../web/return-address.ts';
import type { SignIn } from '../../web/sign-in.ts';
import { notSignedInPage, type SignInForm, signInPage } from '../../web/sign-in-page.tsx';
import type { HttpApp } from '../dependencies.ts';
import { isFromThisMachine } from '../loopback.ts';
import {
  assertForm,
  csrfField,
  endSession,
  ensureBrowser,
  findBrowser,
  startSession,
} from '../plugins/browser.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { HttpProblem, retryAfter } from '../problem.ts';

export interface SignInOptions {
  signIn: SignIn;
  /** Without a trailing slash. */
  publicUrl: string;
}

/** Only hints; anything but a path of ours leads to the home page. */
const hint = z.string().optional().catch(undefined);
const querySchema = z.object({ returnTo: hint, said: hint });
const formSchema = z.strictObject({ returnTo: z.string().optional(), user: idSchema.optional() });

/** The provider's pages, whose address is not known before it was discovered. */
const OIDC_FORM_ACTION = ['https:', 'http:'];
const OUTAGE_RETRY_MS = 30_000;

/** Registers the pages on which users sign in and out by themselves. */
export function registerSignIn(app: HttpApp, options: SignInOptions): void {
  registerSignInPage(app, options);
  app.post('/sign-in', {
    schema: { hide: true, body: formSchema },
    config: { isSignIn: true },
    preValidation: assertForm,
    handler: async (request, reply) => {
      const returnTo = ownPathOr(request.body.returnTo, '/');
      const { signIn, publicUrl } = options;
      if (signIn.kind === 'links') throw refused('You can’t sign in here by yourself.');
      if (signIn.kind === 'oidc') return leaveForProvider(request, reply, signIn.oidc, returnTo);
      if (!isFromThisMachine(request)) throw refused('This sign-in works only on the machine itself.');
      const { user = signIn.userId } = request.body;
      await startSession(request, reply, { userId: user, isAdmin: user === signIn.userId });
      return reply.redirect(`${publicUrl}${returnTo}`, 303);
    },
  });
  app.post('/sign-out', {
    schema: { hide: true },
    preValidation: assertForm,
    handler: async (request, reply) => {
      await endSession(request, reply);
      return reply.redirect(withDone(`${options.publicUrl}/sign-in`, 'signed-out'), 303);
    },
  });
}

function registerSignInPage(app: HttpApp, { signIn, publicUrl }: SignInOptions): void {
  app.get('/sign-in', {
    schema: { hide: true, querystring: querySchema },
    handler: async (request, reply) => {
      const returnTo = ownPathOr(request.query.returnTo, '/');
      if (findBrowser(request).session !== undefined) return reply.redirect(`${publicUrl}${returnTo}`, 303);
      const form = formFor(request, signIn);
      const csrf = csrfField(request, reply);
      const isSignedOut = doneOf(request.query.said) === 'signed-out';
      const html = signInPage(pageFrame(request, reply), { form, csrf, returnTo, isSignedOut });
      return sendPage(reply, 200, html, form.kind === 'oidc' ? { formAction: OIDC_FORM_ACTION } : {});
    },
  });
}

/** The development sign-in is not offered to other machines. */
function formFor(request: FastifyRequest, signIn: SignIn): SignInForm {
  if (signIn.kind === 'oidc') return { kind: 'oidc' };
  return signIn.kind === 'development' && isFromThisMachine(request) ? signIn : { kind: 'links' };
}

async function leaveForProvider(
  request: FastifyRequest,
  reply: FastifyReply,
  oidc: OidcSignIn,
  returnTo: string,
): Promise<FastifyReply> {
  const begun = await oidc.begin(ensureBrowser(request, reply), returnTo);
  return begun.kind === 'redirect' ? reply.redirect(begun.url, 303) : sendSignInOutage(request, reply);
}

/** Sends the page of an OpenID provider that does not answer. */
export function sendSignInOutage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const explanation = 'The sign-in service does not answer at the moment. Try again in a few minutes.';
  const html = notSignedInPage(pageFrame(request, reply), explanation, { isRetriable: true });
  return sendPage(reply.headers(retryAfter(OUTAGE_RETRY_MS)), 503, html);
}

function ownPathOr(text: string | undefined, otherwise: string): string {
  return text !== undefined && isOwnPath(text) ? text : otherwise;
}

function refused(detail: string): HttpProblem {
  return new HttpProblem(403, 'forbidden', detail);
}
