import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from '../../telemetry/metrics/metrics.ts';
import { findCaller } from '../caller.ts';

/** Logs one line per request: the route's pattern instead of the address, no headers and no bodies. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    // Load balancers call it every few seconds.
    if (request.routeOptions.url === '/health') request.log.debug(lineOf(request, reply), 'answered');
    else request.log.info(lineOf(request, reply), 'answered');
  });
}

/** Measures by the route's pattern: an address may name a user. */
export function measureRequests(app: FastifyInstance, { answered }: Pick<Metrics, 'answered'>): void {
  app.addHook('onResponse', async (request, reply) => {
    answered(request.routeOptions.url, reply.statusCode, reply.elapsedTime / 1000);
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
