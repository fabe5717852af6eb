import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findCaller } from '../caller.ts';

/** Logs one line per request: the route's pattern instead of the address, no headers and no bodies. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    // Load balancers call it every few seconds.
    if (request.routeOptions.url === '/health') request.log.debug(lineOf(request, reply), 'answered');
    else request.log.info(lineOf(request, reply), 'answered');
  });
}

function lineOf(request: FastifyRequest, reply: FastifyReply) {
  const caller = findCaller(request);
  return {
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    userId: caller?.userId,
    ...(caller?.actedBy !== undefined && { actedBy: caller.actedBy }),
  };
}
