import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { needsTask } from '../../contracts/needs-task.ts';
import type { ToolDescription } from '../../contracts/step.ts';
import type { ConnectionSummary } from '../../credentials/credential-store.ts';
import { idSchema } from '../../schemas/id.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { fieldsOf } from '../../web/arguments-form/fields-of.ts';
import { chooseServerPage, type OfferedServer } from '../../web/start/choose-server-page.tsx';
import { type OfferedTool, toolsPage } from '../../web/start/tools-page.tsx';
import {
  type Chosen,
  chooseServer,
  type StartDependencies,
  sendNoTools,
  sendUnknownServer,
} from '../chosen-server.ts';
import type { HttpApp } from '../dependencies.ts';
import { findBrowser } from '../plugins/browser.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { showFormAgain } from './start-again.ts';
import { emptyForm, registerStartForm, sendForm } from './start-form.ts';

const querySchema = z.object({
  server: z.string().max(1_024).optional(),
  account: z.string().max(1_024).optional(),
  tool: z.string().max(1_024).optional(),
  view: z.enum(['form', 'json']).catch('form').default('form'),
  /** The id of a step of the user's. */
  again: z.string().max(1_024).default(''),
  q: z.string().max(1_024).default(''),
});

/** Registers the pages on which a user starts a step: server, tool, arguments. */
export function registerStart(app: HttpApp, deps: StartDependencies, publicUrl: string): void {
  app.get('/start', {
    schema: { hide: true, querystring: querySchema },
    handler: async (request, reply) => {
      const { session } = findBrowser(request);
      if (session === undefined) return redirectToSignIn(request, reply);
      const { server: id, tool, again, view } = request.query;
      const { userId } = session;
      if (again !== '') return showFormAgain(deps, request, reply, { userId, stepId: again, view });
      if (id === undefined || id === '') return showServers(deps, request, reply, userId);
      const chosen = await chooseServer(deps, userId, { id, account: request.query.account });
      if (chosen === undefined) return sendUnknownServer(request, reply, id);
      if (tool === undefined || tool === '')
        return showTools(deps, request, reply, { chosen, search: request.query.q });
      const found = await deps.tools.find(chosen.key, tool);
      if (found.kind === 'unavailable')
        return sendNoTools(request, reply, { server: chosen.server, why: found.why });
      const argumentsForm = fieldsOf(found.tool.inputSchema);
      const entered = emptyForm(argumentsForm, view);
      return sendForm(request, reply, 200, { chosen, tool: found.tool, argumentsForm, entered });
    },
  });
  registerStartForm(app, deps, publicUrl);
}

async function showServers(
  deps: StartDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  userId: string,
): Promise<FastifyReply> {
  const [servers, { connections }] = await Promise.all([deps.servers.list(), deps.knownConnections(userId)]);
  return sendPage(
    reply,
    200,
    chooseServerPage(pageFrame(request, reply), offeredServers(servers, connections)),
  );
}

function offeredServers(
  servers: readonly RegisteredServer[],
  connections: readonly ConnectionSummary[],
): OfferedServer[] {
  return servers.map(({ id, title, auth, paused }) => ({
    id,
    title,
    isPaused: paused,
    connections:
      auth.type === 'oauth2' ? connections.filter(({ mcpServerId }) => mcpServerId === id) : undefined,
  }));
}

async function showTools(
  deps: StartDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { chosen: { server, isTrusted, key }, search }: { chosen: Chosen; search: string },
): Promise<FastifyReply> {
  const found = await deps.tools.list(key);
  if (found.kind === 'unavailable') return sendNoTools(request, reply, { server, why: found.why });
  const tools = found.tools.map(offeredTool);
  return sendPage(reply, 200, toolsPage(pageFrame(request, reply), { server, tools, search, isTrusted }));
}

function offeredTool(tool: ToolDescription): OfferedTool {
  if (needsTask(tool)) return { ...tool, problem: 'only-as-task' };
  return idSchema.safeParse(tool.name).success ? tool : { ...tool, problem: 'name-not-allowed' };
}
