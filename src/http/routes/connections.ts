import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { accountMember, accountOf } from '../../contracts/accounts.ts';
import type { ConnectionSummary } from '../../credentials/credential-store.ts';
import type { KnownConnections } from '../../credentials/known-connections.ts';
import { idSchema } from '../../schemas/id.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { connectionNeeds } from '../../web/connection-needs.ts';
import { connectionsPage, type UsableServer } from '../../web/connections-page.tsx';
import { disconnectPage } from '../../web/disconnect-page.tsx';
import { type Done, doneOf, withDone } from '../../web/parts/done-notice.tsx';
import { connectionsPath } from '../../web/paths.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { assertForm, csrfField, findBrowser, isBackground } from '../plugins/browser.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { HttpProblem } from '../problem.ts';

type Dependencies = Pick<HttpDependencies, 'listConnections' | 'knownConnections' | 'disconnect'> & {
  servers: Pick<HttpDependencies['servers'], 'list' | 'find'>;
};

/** Registers the pages with a user's connections. */
export function registerConnections(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get('/connections', {
    schema: { hide: true, querystring: z.object({ said: z.string().optional().catch(undefined) }) },
    handler: async (request, reply) => showConnections(deps, request, reply, doneOf(request.query.said)),
  });
  registerDisconnectPages(app, deps, publicUrl);
}

async function showConnections(
  deps: Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done | undefined,
): Promise<FastifyReply> {
  const { session } = findBrowser(request);
  if (session === undefined) return redirectToSignIn(request, reply);
  const { userId } = session;
  // First, because it removes the waiters of steps that have ended. It asks Temporal about every waiting step, so a page
  // that is left open does not.
  if (!isBackground(request)) await deps.listConnections(userId);
  const [servers, known] = await Promise.all([deps.servers.list(), deps.knownConnections(userId)]);
  const usable = servers.map((server) => usableServer(server, known));
  return sendPage(reply, 200, connectionsPage(pageFrame(request, reply), usable, done));
}

function usableServer(
  { id, title, url, auth, paused }: RegisteredServer,
  { connections, awaited }: KnownConnections,
): UsableServer {
  const isHere = ({ mcpServerId }: { mcpServerId: string }) => mcpServerId === id;
  return {
    id,
    title,
    host: new URL(url).host,
    needsConnection: auth.type === 'oauth2',
    isPaused: paused,
    connections: connections.filter(isHere),
    needs: connectionNeeds(awaited.filter(isHere), connections),
  };
}

const paramsSchema = z.object({ mcpServerId: idSchema });
const accountSchema = z.object({ account: idSchema.optional() });

function registerDisconnectPages(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get('/disconnect/:mcpServerId', {
    schema: { hide: true, params: paramsSchema, querystring: accountSchema },
    handler: async (request, reply) => {
      const { session } = findBrowser(request);
      if (session === undefined) return redirectToSignIn(request, reply);
      const { mcpServerId } = request.params;
      const connections = await deps.listConnections(session.userId);
      const connection = connections.find(
        (one) => one.mcpServerId === mcpServerId && one.account === accountOf(request.query),
      );
      if (connection === undefined) throw notConnected();
      const server = (await deps.servers.find(mcpServerId)) ?? { id: mcpServerId };
      return sendDisconnectPage(request, reply, { server, connection });
    },
  });
  app.post('/disconnect/:mcpServerId', {
    schema: { hide: true, params: paramsSchema, body: accountSchema.strict() },
    preValidation: assertForm,
    handler: async (request, reply) => {
      const { session } = findBrowser(request);
      if (session === undefined) return redirectToSignIn(request, reply);
      const { mcpServerId } = request.params;
      const { userId } = session;
      await deps.disconnect({ userId, mcpServerId, ...accountMember(request.body.account) }, userId);
      return reply.redirect(withDone(connectionsPath(publicUrl), 'disconnected'), 303);
    },
  });
}

function sendDisconnectPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { server, connection }: { server: { id: string; title?: string }; connection: ConnectionSummary },
): FastifyReply {
  const csrf = csrfField(request, reply);
  return sendPage(reply, 200, disconnectPage(pageFrame(request, reply), { server, connection, csrf }));
}

function notConnected(): HttpProblem {
  return new HttpProblem(404, 'not-found', 'You have no such connection.');
}
