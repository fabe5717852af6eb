import type { FastifyInstance } from 'fastify';
import { createTurns } from '../../turns/turns.ts';
import { writeJson } from '../../turns/write-json.ts';

/**
 * Serializes response bodies in turns. Results and tool lists of MCP servers can be several MiB, for which
 * `JSON.stringify` would block all other requests, including `/health`.
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
