import type { FastifyInstance } from 'fastify';
import { stringifyInSteps } from '../../turns/json-writer.ts';
import { createTurns } from '../../turns/turns.ts';

/**
 * Serializes response bodies in turns. Results and tool lists of MCP servers can be several MiB, for which
 * `JSON.stringify` would block all other requests, including `/health`.
 */
export function writeInTurns(app: FastifyInstance): void {
  const turns = createTurns();
  app.addHook('preSerialization', async (_request, reply, payload) => {
    const json = await turns.take(stringifyInSteps(payload));
    reply.serializer(() => json);
    return payload;
  });
}
