import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../problem.ts';

/**
 * Records the addresses of routes that are added from now on. Register the returned plugin after all of them. It
 * responds with 405 and `Allow` if an address has routes, but none for the request's method.
 *
 * @see RFC 9110 §15.5.6
 */
export function watchForMethods(app: FastifyInstance): (scope: FastifyInstance) => Promise<void> {
  const urls = new Set<string>();
  app.addHook('onRoute', ({ url }) => {
    urls.add(url);
  });
  return async (scope) => {
    for (const url of [...urls]) refuseOtherMethods(scope, url);
  };
}

function refuseOtherMethods(app: FastifyInstance, url: string): void {
  const isAllowed = (method: string) => app.hasRoute({ url, method });
  const headers = { allow: app.supportedMethods.filter(isAllowed).join(', ') };
  app.route({
    method: app.supportedMethods.filter((method) => !isAllowed(method)),
    url,
    exposeHeadRoute: false,
    schema: { hide: true },
    onRequest: async () => {
      throw new HttpProblem(405, 'method-not-allowed', 'This address does not take this method.', {
        headers,
      });
    },
    handler: async () => {},
  });
}
