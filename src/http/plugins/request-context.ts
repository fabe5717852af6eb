import type { FastifyInstance } from 'fastify';
import type { RequestContext } from '../../logging/request-context.ts';

/**
 * Runs each request in its context. Call it before all other hooks are added. The body is read in events of the socket,
 * which are no part of the request, so the context is entered again after that.
 */
export function carryRequestContext(app: FastifyInstance, requests: RequestContext): void {
  app.addHook('onRequest', (request, _reply, done) => {
    requests.run({ requestId: request.id }, done);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    requests.run({ requestId: request.id }, done);
  });
}
