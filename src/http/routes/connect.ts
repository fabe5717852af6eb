import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import { acceptsHtml } from '../accepts-html.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { notAvailable } from '../problem.ts';
import { problemOfError } from '../problem-of-error.ts';
import { brokenLinkPage, reconnectPage, unknownServerPage } from './connect-pages.ts';

type Servers = Pick<HttpDependencies['servers'], 'find'>;

/** Registers the page of a `connectUrl`. The page shows the server's title and changes nothing. */
export function registerConnect(app: HttpApp, { servers }: { servers: Servers }): void {
  app.get('/connect/:mcpServerId', {
    schema: {
      operationId: 'connectPage',
      summary: 'The page of a connectUrl',
      tags: ['Connecting'],
      ...WITHOUT_TOKEN,
      params: z.object({ mcpServerId: idSchema }),
      querystring: z.object({ step: z.string().optional() }),
      response: { 200: { content: { 'text/html': { schema: z.string() } } } },
    },
    config: { problems: [404, 501] },
    errorHandler: (error, request, reply) => {
      const problem = problemOfError(error);
      if (!acceptsHtml(request.headers.accept) || problem.status !== 400) throw error;
      return sendPage(reply, 400, brokenLinkPage());
    },
    handler: async (request, reply) => {
      if (!acceptsHtml(request.headers.accept)) throw notAvailable('Connecting a server here');
      const { mcpServerId } = request.params;
      const { status, html } = await pageFor(servers, mcpServerId, request.query.step);
      return sendPage(reply, status, html);
    },
  });
}

// Sent as bytes, because the error handler's response has no schema.
function sendPage(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(Buffer.from(html));
}

async function pageFor(
  servers: Servers,
  mcpServerId: string,
  step: string | undefined,
): Promise<{ status: 200 | 404; html: string }> {
  // If the database is unavailable, the page still says what to do and shows the server's id.
  const server = await servers.find(mcpServerId).catch(() => 'unreadable' as const);
  if (server === undefined) return { status: 404, html: unknownServerPage(mcpServerId) };
  const title = server === 'unreadable' ? undefined : server.title;
  return { status: 200, html: reconnectPage({ mcpServerId, name: title ?? mcpServerId, step }) };
}
