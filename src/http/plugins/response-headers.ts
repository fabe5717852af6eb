import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { invalidRequest } from '../problem.ts';
import { REQUEST_ID_HEADER } from '../request-id.ts';

/** The headers of every response, including errors. */
export function responseHeaders(version: string, requestId: string): Record<string, string> {
  return {
    'x-latchkey-version': version,
    [REQUEST_ID_HEADER]: requestId,
    'cache-control': 'no-store',
  };
}

export function addResponseHeaders(app: FastifyInstance, version: string, isDraining: () => boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(responseHeaders(version, request.id));
    // RFC 9112 §3.2. Node's own check, whose response would lack our headers, is off (`requireHostHeader`).
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw invalidRequest('The Host header is missing.');
    }
  });
  // While the process drains, clients should reconnect elsewhere. The header is set in `onSend` because draining may
  // begin during a long poll, and a connection that stays open after it would delay the shutdown.
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
    // Subdomains may belong to other services.
    strictTransportSecurity: { includeSubDomains: false },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}
