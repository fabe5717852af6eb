import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { takesHtml } from '../plugins/takes-html.ts';
import { notAvailable } from '../problem.ts';
import { problemOfError } from '../problem-of-error.ts';

type Servers = Pick<HttpDependencies['servers'], 'find'>;

/** The page that a `connectUrl` names. It reads its own address and how the server is called, and changes nothing. */
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
      if (!takesHtml(request.headers.accept) || problem.status !== 400) throw error;
      return sendPage(reply, 400, brokenLinkPage());
    },
    handler: async (request, reply) => {
      if (!takesHtml(request.headers.accept)) throw notAvailable('Connecting a server here');
      const { mcpServerId } = request.params;
      const { status, html } = await pageFor(servers, mcpServerId, request.query.step);
      return sendPage(reply, status, html);
    },
  });
}

// As bytes: those of an error pass no schema.
function sendPage(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(Buffer.from(html));
}

async function pageFor(
  servers: Servers,
  mcpServerId: string,
  step: string | undefined,
): Promise<{ status: 200 | 404; html: string }> {
  // Without a database the page still says what to do, by the id.
  const server = await servers.find(mcpServerId).catch(() => 'unreadable' as const);
  if (server === undefined) return { status: 404, html: unknownServerPage(mcpServerId) };
  const title = server === 'unreadable' ? undefined : server.title;
  return { status: 200, html: reconnectPage({ mcpServerId, name: title ?? mcpServerId, step }) };
}

function reconnectPage({
  mcpServerId,
  name,
  step,
}: {
  mcpServerId: string;
  name: string;
  step: string | undefined;
}): string {
  const server = escapeHtml(name);
  const isWaiting = step !== undefined && step !== '';
  return page(
    `Connect ${server} again`,
    `<p>${isWaiting ? 'Something that was being done for you has paused. It' : 'The app that sent you here'} needs your permission
to use <strong>${server}</strong>: there is none yet, or it has ended.</p>
<h2>What to do</h2>
<ol>
<li>Go back to the app that sent you here.</li>
<li>Find its connections or integrations there, and connect <strong>${server}</strong> again.</li>
</ol>
<p>${isWaiting ? 'You need not start anything again: what has paused goes on by itself as soon as that is done.' : 'Nothing else is needed.'}
You can not connect it on this page.</p>
<h2>If that does not help</h2>
<p>Tell the people who run that app: server <code>${escapeHtml(mcpServerId)}</code>${
      isWaiting ? `, step <code>${escapeHtml(step.slice(0, 128))}</code>` : ''
    }.</p>
<p><small>For them: the app asks for the user's consent itself and deposits the credentials with
<code>POST /mcp-oauth-credentials</code>. Every step that waits for them then goes on.</small></p>`,
  );
}

function brokenLinkPage(): string {
  return page(
    'This link is not complete',
    `<p>It does not say which server it is about, or says something twice.</p>
<h2>What to do</h2>
<p>Go back to the app that sent you here and follow the link again. If that leads here too, tell the people who run that app.</p>`,
  );
}

function unknownServerPage(mcpServerId: string): string {
  return page(
    'This link leads nowhere',
    `<p>No server is known here as <code>${escapeHtml(mcpServerId)}</code>. It may have been removed, or the link is not complete.</p>
<h2>What to do</h2>
<p>Go back to the app that sent you here and follow the link again. If that leads here too, tell the people who run that app
which server this page names.</p>
<p><small>For them: register the server with <code>PUT /mcp-servers/:id</code>; credentials are deposited with
<code>POST /mcp-oauth-credentials</code>.</small></p>`,
  );
}

/** @param heading and `body` as HTML */
function page(heading: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${heading}</title>
</head>
<body>
<main>
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
