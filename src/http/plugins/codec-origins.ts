import type { FastifyInstance } from 'fastify';
import type { LimitRate } from './rate-limit.ts';

/** What Temporal's UI sends with a request to a codec server. */
const HEADERS = 'authorization, authorization-extras, content-type, x-namespace';
const PREFLIGHT_SECONDS = '600';

/**
 * Lets pages of these origins call the routes of a scope, and read problems too. Credentials are allowed because
 * a page may send some for whatever stands in front of this server; these routes go by the bearer token.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function allowOrigins(scope: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  scope.addHook('onRequest', async ({ headers: { origin } }, reply) => {
    reply.header('vary', 'origin');
    if (origin === undefined || !origins.includes(origin)) return;
    reply.headers({ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' });
  });
}

/** Answers preflights, which carry no token. Whose origin is not allowed is told nothing, and its browser refuses. */
export function answerPreflights(
  scope: FastifyInstance,
  origins: readonly string[],
  { urls, limitRate }: { urls: readonly string[]; limitRate: LimitRate },
): void {
  if (origins.length === 0) return;
  for (const url of urls) {
    scope.options(url, { schema: { hide: true }, onRequest: limitRate }, async (_, reply) =>
      reply
        .code(204)
        .headers({
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': HEADERS,
          'access-control-max-age': PREFLIGHT_SECONDS,
        })
        .send(),
    );
  }
}
