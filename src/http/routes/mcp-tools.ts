import type { MemoryBudget } from '../../async/memory-budget.ts';
import type { ToolsOfServer } from '../../contracts/tools-of-server.ts';
import { listToolsOfServersQuerySchema, toolsOfServersSchema } from '../../schemas/http-tool.ts';
import { listToolsOfServers } from '../../tools/list-tools-of-servers.ts';
import { createTurns } from '../../turns/turns.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { admitList } from '../plugins/admit-list.ts';
import { toolBody } from './list-mcp-tools.ts';

export function registerMcpTools(
  api: HttpApp,
  deps: Pick<HttpDependencies, 'listTools' | 'servers' | 'logger'> & { lists: MemoryBudget },
): void {
  const turns = createTurns();
  api.get('/mcp-tools', {
    schema: {
      operationId: 'listToolsOfServers',
      summary: 'List the tools of several servers, by default of all',
      description: "In parallel, 15 s each. One server's failure never hides another's tools.",
      tags: ['Tools'],
      querystring: listToolsOfServersQuerySchema,
      response: { 200: toolsOfServersSchema },
    },
    handler: async (request, reply) => {
      const named = request.query.mcpServerId;
      const ids = named === undefined ? await allServers(deps) : [...new Set([named].flat())];
      const { userId } = callerOf(request);
      const lists = await admitList(deps.lists, request, reply, (reading) =>
        listToolsOfServers({ ...deps, reading, turns }, userId, ids),
      );
      return { servers: lists.map(bodyOf) };
    },
  });
}

async function allServers({ servers }: Pick<HttpDependencies, 'servers'>): Promise<string[]> {
  return (await servers.list()).map(({ id }) => id);
}

function bodyOf(list: ToolsOfServer) {
  return 'failure' in list ? list : { ...list, tools: list.tools.map(toolBody) };
}
