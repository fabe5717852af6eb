import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ReturnRules, returnAddress } from '../../web/return-address.ts';
import type { SignInLink, SignInLinks } from '../../web/sign-in-link-store.ts';
import { notSignedInPage, switchUserPage } from '../../web/sign-in-page.tsx';
import { auditActing } from '../audit-acting.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { assertForm, csrfField, findBrowser, startSession } from '../plugins/browser.ts';
import { TOKEN_ONLY } from '../plugins/openapi.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { invalidFields } from '../problem.ts';

const bodySchema = z.strictObject({
  returnTo: z
    .string()
    .max(2048)
    .optional()
    .describe('A path below PUBLIC_URL, or a URL of an origin in RETURN_ORIGINS. Default: the home page.'),
});

const linkSchema = z
  .object({
    url: z.string().describe('Give it only to the browser of the user.'),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'SignInLink' });

/** Registers the route that creates links. Requires a token: otherwise a session could renew itself without limit. */
export function registerCreateSignInLink(
  api: HttpApp,
  { links, audit }: { links: SignInLinks; audit: HttpDependencies['audit'] },
  rules: ReturnRules,
): void {
  api.post('/sign-in-links', {
    schema: {
      operationId: 'createSignInLink',
      summary: 'Create a link that signs you in to the web page, once, within 60 seconds',
      description: 'The session has no admin rights.',
      tags: ['Connecting'],
      ...TOKEN_ONLY,
      body: bodySchema.nullable(),
      response: { 201: linkSchema },
    },
    handler: async (request, reply) => {
      // The cast is needed because a missing body is validated as null.
      const { returnTo } = (request.body ?? {}) as z.output<typeof bodySchema>;
      const link = {
        userId: callerOf(request).userId,
        ...(returnTo !== undefined && checked(returnTo, rules)),
      };
      await auditActing(audit, request, 'sign-in-link-requested');
      const { token, expiresAt } = await links.create(link);
      const url = `${rules.publicUrl}/sign-in-links/${token}`;
      return reply.code(201).send({ url, expiresAt: expiresAt.toISOString() });
    },
  });
}

function checked(returnTo: string, rules: ReturnRules): { returnTo: string } {
  const address = returnAddress(returnTo, rules);
  if (address !== undefined) return { returnTo: address };
  const message = 'must be a path of this server, or a URL of an origin in RETURN_ORIGINS';
  throw invalidFields([{ path: 'returnTo', message }]);
}

const paramsSchema = z.object({ token: z.string() });

/** Registers the pages of the links. */
export function registerSignInLinkPages(app: HttpApp, links: SignInLinks, publicUrl: string): void {
  const config = { isSignIn: true } as const;
  app.get('/sign-in-links/:token', {
    schema: { hide: true, params: paramsSchema },
    config,
    // It has an effect, so it answers no HEAD.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const link = await links.find(request.params.token);
      const current = findBrowser(request).session?.userId;
      if (link !== undefined && current !== undefined && current !== link.userId) {
        return askToSwitch(request, reply, { ...link, token: request.params.token, current });
      }
      return useLink(request, reply, links, publicUrl);
    },
  });
  app.post('/sign-in-links/:token', {
    schema: { hide: true, params: paramsSchema },
    config,
    preValidation: assertForm,
    handler: (request, reply) => useLink(request, reply, links, publicUrl),
  });
}

/** Asks before it replaces another user's session: an attacker may have planted the link. */
function askToSwitch(
  request: FastifyRequest,
  reply: FastifyReply,
  { returnTo, ...link }: SignInLink & { token: string; current: string },
): FastifyReply {
  const html = switchUserPage(pageFrame(request, reply), { ...link, csrf: csrfField(request, reply) });
  // Chromium applies `form-action` to the redirect that follows the form, too.
  return sendPage(reply, 200, html, returnTo === undefined ? {} : { formAction: [new URL(returnTo).origin] });
}

async function useLink(
  request: FastifyRequest<{ Params: { token: string } }>,
  reply: FastifyReply,
  links: SignInLinks,
  publicUrl: string,
): Promise<FastifyReply> {
  const link = await links.use(request.params.token);
  if (link === undefined) {
    return sendPage(reply, 404, notSignedInPage(pageFrame(request, reply), USELESS, { isRetriable: false }));
  }
  const { session } = findBrowser(request);
  // A link has no admin rights, but takes none away from a user who is signed in already.
  const isAdmin = session?.userId === link.userId && session.isAdmin;
  await startSession(request, reply, { userId: link.userId, isAdmin });
  return reply.redirect(link.returnTo ?? `${publicUrl}/`, 303);
}

const USELESS =
  'This link does not work any more, or it is not complete. A link signs in only once, and within 60 seconds. Go back to the app that gave it to you and follow a new one.';
