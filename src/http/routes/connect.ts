import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import type { HttpApp } from '../http-app.ts';
import { WITHOUT_TOKEN } from '../openapi.ts';
import { notAvailable } from '../problem.ts';

/** The page that a `connectUrl` names. It reads nothing but its own address. */
export function registerConnect(app: HttpApp): void {
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
    config: { problems: [501] },
    handler: async (request, reply) => {
      if (!request.headers.accept?.includes('text/html')) throw notAvailable('Connecting a server here');
      return reply.type('text/html; charset=utf-8').send(page(request.params.mcpServerId));
    },
  });
}

function page(mcpServerId: string): string {
  const server = escapeHtml(mcpServerId);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reconnect ${server}</title>
<h1>Reconnect <code>${server}</code></h1>
<p>A step is waiting until you have connected this MCP server again.</p>
<p>This version of Latchkey can not do that on this page. The platform that sent you here asks for your
consent itself and deposits the credentials with <code>POST /mcp-oauth-credentials</code>; whatever waits
for them then goes on by itself.</p>
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
