import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { present } from '../../contracts/present.ts';
import { STEP_STATUSES } from '../../contracts/step.ts';
import { idSchema } from '../../schemas/id.ts';
import { homePage, isBlank } from '../../web/home/home-page.tsx';
import { type HomeFilter, type HomeSources, readHome } from '../../web/home/read-home.ts';
import type { SignIn } from '../../web/sign-in.ts';
import type { HttpApp } from '../dependencies.ts';
import { findBrowser } from '../plugins/browser.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';

type Dependencies = HomeSources & { web: { signIn: Pick<SignIn, 'kind'> } };

/** Registers the page with what needs a user now, and the user's steps. */
export function registerHome(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get('/', {
    schema: {
      operationId: 'webPage',
      summary: 'The web page. Browsers that are not signed in are led to the sign-in',
      tags: ['Connecting'],
      ...WITHOUT_TOKEN,
      response: { 200: { content: { 'text/html': { schema: z.string() } } }, 303: z.undefined() },
    },
    handler: async (request, reply) => showHome({ ...deps, publicUrl }, request, reply),
  });
}

async function showHome(
  { publicUrl, ...deps }: Dependencies & { publicUrl: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { session } = findBrowser(request);
  if (session === undefined) return redirectToSignIn(request, reply);
  const home = await readHome(deps, session.userId, filterOf(request.query));
  // A developer who tries the product begins with a step.
  if (deps.web.signIn.kind === 'development' && isBlank(home))
    return reply.redirect(`${publicUrl}/start`, 303);
  return sendPage(reply, 200, homePage(pageFrame(request, reply), home));
}

// Ignores invalid filters.
const filterSchema = z.object({
  status: z.enum(STEP_STATUSES).optional().catch(undefined),
  server: idSchema.optional().catch(undefined),
  cursor: z.string().min(1).optional().catch(undefined),
});

function filterOf(query: unknown): HomeFilter {
  return present(filterSchema.parse(query));
}
