import { preflightRequestSchema, preflightResultSchema } from '../../schemas/http-preflight.ts';
import type { ListBudget } from '../../tools/list-budget.ts';
import { preflight } from '../../tools/preflight.ts';
import { createTurns } from '../../turns/turns.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { admitList } from '../plugins/admit-list.ts';

export function registerPreflight(
  api: HttpApp,
  deps: Pick<HttpDependencies, 'listTools' | 'logger'> & { lists: ListBudget },
  publicUrl: string,
): void {
  const turns = createTurns();
  api.post('/preflight', {
    schema: {
      operationId: 'preflight',
      summary: 'Ask whether these tools can be called now, else why not',
      description: 'Calls no tool. Asks each server once for its list, eight at a time, 15 s each.',
      tags: ['Tools'],
      body: preflightRequestSchema,
      response: { 200: preflightResultSchema },
    },
    handler: async (request, reply) => {
      const { userId } = callerOf(request);
      const calls = request.body.calls.map(({ mcpServerId, account, tool }) => ({
        mcpServerId,
        ...(account !== undefined && { account }),
        ...(tool !== undefined && { tool }),
      }));
      return admitList(deps.lists, request, reply, (reading) =>
        preflight({ ...deps, reading, turns, publicUrl }, userId, calls),
      );
    },
  });
}
