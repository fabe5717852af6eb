import type { FastifyReply } from 'fastify';
import { stringifyInSteps, type Turns } from '../../turns/turns.ts';

/**
 * Answers with a body that servers have filled and that may have some MiB: written in turns, where the serializer of
 * the schema would hold the event loop up. The caller sees to it that the body fits the schema.
 */
export async function sendInTurns(reply: FastifyReply, turns: Turns, body: unknown): Promise<never> {
  const json = await turns.take(stringifyInSteps(body));
  // The cast: the route's type asks for the body itself.
  return reply.type('application/json; charset=utf-8').send(json) as never;
}
