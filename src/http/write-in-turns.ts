import type { FastifyInstance } from 'fastify';
import { createTurns } from '../turns/turns.ts';
import { writeJson } from '../turns/write-json.ts';

/**
 * Writes answers in turns: results and lists that MCP servers have filled have some MiB, for which `JSON.stringify`
 * would hold up all other requests, `/health` among them.
 */
export function writeInTurns(app: FastifyInstance): void {
  const turns = createTurns();
  app.addHook('preSerialization', async (_request, reply, payload) => {
    const json = await turns.take(writeJson(payload));
    // The cast is safe: Fastify sends bytes as they are, though its types ask for a text.
    reply.serializer(() => json as unknown as string);
    return payload;
  });
}
