import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { invalidRequest } from '../problem.ts';

/** What every answer carries, whatever becomes of the request. */
export function answerHeaders(version: string): Record<string, string> {
  return { 'x-latchkey-version': version, 'cache-control': 'no-store' };
}

export function addAnswerHeaders(app: FastifyInstance, version: string, isDraining: () => boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(answerHeaders(version));
    // RFC 9112 §3.2. Node would answer by itself, without our headers: it is told not to.
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw invalidRequest('The Host header is missing.');
    }
  });
  // So that clients reconnect elsewhere before this process goes. As late as it can be said: a connection that is
  // kept after the answer to a long poll would hold up the end.
  app.addHook('onSend', async (_request, reply) => {
    if (isDraining()) reply.header('connection', 'close');
  });
  app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // What else is below this host is not ours to decide.
    strictTransportSecurity: { includeSubDomains: false },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}
