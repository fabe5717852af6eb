import { z } from 'zod';
import { serverSchema, serversSchema } from '../../schemas/http-server.ts';
import { wholeListQuerySchema } from '../../schemas/http-step.ts';
import { idSchema } from '../../schemas/id.ts';
import { serverRegistrationSchema } from '../../schemas/server.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { callerOf, requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { listCursors, pageOfWhole } from '../list-cursors.ts';
import { invalidFields, unknownServer } from '../problem.ts';
import { refusedAddresses } from '../refused-addresses.ts';

const params = z.object({ id: idSchema });
const tags = ['MCP servers (admin)'];

/** Registers the admin routes that manage MCP servers. */
export function registerMcpServers(
  api: HttpApp,
  deps: Pick<HttpDependencies, 'servers' | 'refuseServerAddress' | 'cursorKeys'>,
): void {
  registerPut(api, deps);
  registerList(api, deps);
  registerShow(api, deps.servers);
  registerDelete(api, deps.servers);
  registerSwitch(api, deps.servers);
}

function registerPut(
  api: HttpApp,
  { servers, refuseServerAddress }: Pick<HttpDependencies, 'servers' | 'refuseServerAddress'>,
): void {
  api.put('/mcp-servers/:id', {
    schema: {
      operationId: 'putMcpServer',
      summary: 'Register an MCP server, or replace its whole registration',
      tags,
      params,
      body: serverRegistrationSchema,
      response: { 200: serverSchema, 201: serverSchema },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request, reply) => {
      const errors = refusedAddresses(request.body, refuseServerAddress);
      if (errors.length > 0) throw invalidFields(errors);
      const { server, created } = await servers.put(
        request.params.id,
        request.body,
        callerOf(request).userId,
      );
      return reply.code(created ? 201 : 200).send(bodyOf(server));
    },
  });
}

function registerList(
  api: HttpApp,
  { servers, cursorKeys }: Pick<HttpDependencies, 'servers' | 'cursorKeys'>,
): void {
  api.get('/mcp-servers', {
    schema: {
      operationId: 'listMcpServers',
      summary: 'List the registered MCP servers',
      tags,
      querystring: wholeListQuerySchema,
      response: { 200: serversSchema },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request) => {
      const { items, ...more } = pageOfWhole(await servers.list(), request.query, {
        cursors: listCursors<string>(cursorKeys, ['servers']),
        keyOf: ({ id }) => id,
      });
      return { servers: items.map(bodyOf), ...more };
    },
  });
}

function registerShow(api: HttpApp, servers: HttpDependencies['servers']): void {
  api.get('/mcp-servers/:id', {
    schema: {
      operationId: 'getMcpServer',
      summary: 'Show an MCP server',
      tags,
      params,
      response: { 200: serverSchema },
    },
    config: { problems: [403, 404] },
    onRequest: requireAdmin,
    handler: async (request) => {
      const server = await servers.find(request.params.id);
      if (server === undefined) throw unknownServer();
      return bodyOf(server);
    },
  });
}

function registerDelete(api: HttpApp, servers: HttpDependencies['servers']): void {
  api.delete('/mcp-servers/:id', {
    schema: {
      operationId: 'deleteMcpServer',
      summary: 'Remove an MCP server',
      tags,
      params,
      response: { 204: z.undefined() },
    },
    config: { problems: [403, 404] },
    onRequest: requireAdmin,
    handler: async (request, reply) => {
      if (!(await servers.remove(request.params.id, callerOf(request).userId))) throw unknownServer();
      return reply.code(204).send();
    },
  });
}

const SWITCHES = {
  pause: { paused: true, operationId: 'pauseMcpServer', summary: 'Pause an MCP server: its steps wait' },
  resume: {
    paused: false,
    operationId: 'resumeMcpServer',
    summary: 'Resume a paused MCP server and its steps',
  },
} as const;

function registerSwitch(api: HttpApp, servers: HttpDependencies['servers']): void {
  for (const [name, { paused, ...described }] of Object.entries(SWITCHES)) {
    api.post(`/mcp-servers/:id/${name}`, {
      schema: { ...described, tags, params, response: { 200: serverSchema } },
      config: { problems: [403, 404] },
      onRequest: requireAdmin,
      handler: async (request) => {
        const { id } = request.params;
        await servers.setPaused(id, paused, callerOf(request).userId);
        const server = await servers.find(id);
        if (server === undefined) throw unknownServer();
        return bodyOf(server);
      },
    });
  }
}

/** Picks the fields by name, so that no other stored field is shown. */
function bodyOf(server: RegisteredServer): z.output<typeof serverSchema> {
  const names = server.queryNames.filter((name) => name !== '');
  return {
    id: server.id,
    url: server.url,
    ...(names.length > 0 && { queryNames: names }),
    auth: server.auth,
    ...(server.title !== undefined && { title: server.title }),
    headerNames: server.headerNames,
    trustAnnotations: server.trustAnnotations,
    maxResultBytes: server.maxResultBytes,
    ...(server.maxConcurrentCalls !== undefined && { maxConcurrentCalls: server.maxConcurrentCalls }),
    paused: server.paused,
    createdAt: server.createdAt.toISOString(),
    updatedAt: server.updatedAt.toISOString(),
  };
}
