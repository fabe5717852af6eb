import type { FastifyInstance } from 'fastify';
import type { LimitRate } from './rate-limit.ts';

/** The headers that Temporal's UI sends to a codec server. */
const HEADERS = 'authorization, authorization-extras, content-type, x-namespace';
const PREFLIGHT_SECONDS = '600';

/**
 * Allows pages of these origins to call the routes of a scope and to read their problem documents. Credentials are
 * allowed because a page may have to send them to a proxy in front of this server. The routes themselves check only
 * the bearer token.
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

/** Answers preflights, which have no token. A browser refuses the request if its origin is not allowed above. */
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
