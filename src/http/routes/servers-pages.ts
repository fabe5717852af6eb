import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { doneOf, withDone } from '../../web/parts/done-notice.tsx';
import { serverPath, serversPath } from '../../web/paths.ts';
import { removeServerPage } from '../../web/servers/remove-server-page.tsx';
import { type ServerPage, serverPage } from '../../web/servers/server-page.tsx';
import { serversPage } from '../../web/servers/servers-page.tsx';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { adminOf, requireAdminSession } from '../plugins/admin-pages.ts';
import { assertForm, csrfField } from '../plugins/browser.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { unknownServer } from '../problem.ts';

type Dependencies = Pick<HttpDependencies, 'servers'> & {
  connect: Pick<HttpDependencies['connect'], 'checkRegistered' | 'usageOf'>;
};

const schema = { hide: true, params: z.object({ id: idSchema }) };
/** What was done before: web/parts/done-notice.tsx. */
const querystring = z.object({ said: z.string().optional().catch(undefined) });
const onRequest = requireAdminSession;
const form = { schema, onRequest, preValidation: assertForm };

/** Registers an admin's pages of the servers that are registered. `add-server.ts` has those that add one. */
export function registerServersPages(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  const { servers, connect } = deps;
  app.get('/servers', { schema: { hide: true, querystring }, onRequest }, async (request, reply) => {
    const done = doneOf(request.query.said);
    return sendPage(reply, 200, serversPage(pageFrame(request, reply), await servers.list(), done));
  });
  // The second address is that of a server called `new`.
  for (const address of ['/servers/:id', '/servers/:id/']) {
    app.get(address, { schema: { ...schema, querystring }, onRequest }, async (request, reply) => {
      const server = await requireServer(deps, request.params.id);
      return sendServer(request, reply, { server, done: doneOf(request.query.said) });
    });
  }
  app.get('/servers/:id/check', { schema, onRequest }, async (request, reply) =>
    reply.redirect(serverPath(publicUrl, request.params.id), 303),
  );
  app.post('/servers/:id/check', form, async (request, reply) => {
    const server = await requireServer(deps, request.params.id);
    return sendServer(request, reply, { server, check: await connect.checkRegistered(server) });
  });
  registerSwitches(app, deps, publicUrl);
  registerRemoval(app, deps, publicUrl);
}

function registerSwitches(app: HttpApp, { servers }: Dependencies, publicUrl: string): void {
  for (const [action, paused, done] of [
    ['pause', true, 'paused'],
    ['resume', false, 'resumed'],
  ] as const) {
    app.post(`/servers/:id/${action}`, form, async (request, reply) => {
      const { id } = request.params;
      if (!(await servers.setPaused(id, paused, adminOf(request)))) throw unknownServer();
      return reply.redirect(withDone(serverPath(publicUrl, id), `server-${done}`), 303);
    });
  }
}

function registerRemoval(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get('/servers/:id/remove', { schema, onRequest }, async (request, reply) => {
    const server = await requireServer(deps, request.params.id);
    const usage = await deps.connect.usageOf(server.id);
    const csrf = csrfField(request, reply);
    return sendPage(reply, 200, removeServerPage(pageFrame(request, reply), { server, usage, csrf }));
  });
  app.post('/servers/:id/remove', form, async (request, reply) => {
    // Another admin, or a second press, may have removed it meanwhile.
    await deps.servers.remove(request.params.id, adminOf(request));
    return reply.redirect(withDone(serversPath(publicUrl), 'server-removed'), 303);
  });
}

async function requireServer({ servers }: Dependencies, id: string): Promise<RegisteredServer> {
  const server = await servers.find(id);
  if (server === undefined) throw unknownServer();
  return server;
}

function sendServer(
  request: FastifyRequest,
  reply: FastifyReply,
  page: Omit<ServerPage, 'csrf'>,
): FastifyReply {
  const csrf = csrfField(request, reply);
  return sendPage(reply, 200, serverPage(pageFrame(request, reply), { ...page, csrf }));
}
