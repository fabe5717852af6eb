import type { FastifyInstance } from 'fastify';
import type { RequestContext } from '../../logging/request-context.ts';

/**
 * Runs each request in its context. Call it before all other hooks are added. What follows a body that arrives later runs
 * in the context, too: Fastify binds the parsers of bodies to the context in which their request began.
 */
export function carryRequestContext(app: FastifyInstance, requests: RequestContext): void {
  app.addHook('onRequest', (request, _reply, done) => {
    requests.run({ requestId: request.id }, done);
  });
}
