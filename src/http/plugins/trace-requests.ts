import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OpenSpan, TraceContext, Tracing } from '../../telemetry/traces/tracing.ts';

/**
 * Makes a span of each request, in the trace that the caller names. The address and its query are left out: they may
 * name a user, or hold a secret.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    // Load balancers call it every few seconds.
    if (request.routeOptions.url === '/health') return done();
    const { method } = request;
    const span = tracing.start({
      name: method,
      kind: 'server',
      parent: contextOf(request),
      attributes: { 'http.request.method': method, 'latchkey.request_id': request.id },
    });
    spans.set(request, span);
    span.run(done);
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request);
    const route = request.routeOptions.url;
    if (route !== undefined) span?.name(`${request.method} ${route}`);
    span?.set({ 'http.route': route, 'http.response.status_code': reply.statusCode });
    span?.end(reply.statusCode >= 500);
  });
}

function contextOf({ headers: { traceparent, tracestate } }: FastifyRequest): TraceContext {
  if (typeof traceparent !== 'string') return {};
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}
