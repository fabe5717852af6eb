import type { FastifyInstance } from 'fastify';
import { stringifyInSteps } from '../../turns/json-writer.ts';
import { createTurns } from '../../turns/turns.ts';

/**
 * Writes answers in turns: results and lists that MCP servers have filled have some MiB, for which `JSON.stringify`
 * would hold up all other requests, `/health` among them.
 */
export function writeInTurns(app: FastifyInstance): void {
  const turns = createTurns();
  app.addHook('preSerialization', async (_request, reply, payload) => {
    const json = await turns.take(stringifyInSteps(payload));
    reply.serializer(() => json);
    return payload;
  });
}
