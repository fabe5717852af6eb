const MICROSECOND_NS = 1_000n;
/** By OTLP's number of the kind. Zipkin has no word for an internal span. */
const KINDS = { 2: 'SERVER', 3: 'CLIENT', 4: 'PRODUCER', 5: 'CONSUMER' };
const STATUS_CODES = { 1: 'OK', 2: 'ERROR' };
const ERROR = 2;

/**
 * Translates the body of an OTLP/JSON export into the spans of Zipkin's API, version 2. Remote endpoints and events are
 * left out: Latchkey's spans have none.
 *
 * @param {{ resourceSpans: object[] }} body
 * @returns {object[]}
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/
 */
export function otlpToZipkin({ resourceSpans }) {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const { 'service.name': serviceName, ...ofProcess } = valuesOf(resource.attributes);
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        id: span.spanId,
        ...(span.parentSpanId && { parentId: span.parentSpanId }),
        name: span.name,
        ...(span.kind in KINDS && { kind: KINDS[span.kind] }),
        ...timesOf(span),
        localEndpoint: { serviceName },
        tags: { ...ofProcess, ...valuesOf(span.attributes), ...scopeTags(scope), ...statusTags(span.status) },
      })),
    );
  });
}

function timesOf({ startTimeUnixNano, endTimeUnixNano }) {
  const [start, end] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)];
  // Zipkin takes a duration of 0 for one that is unknown.
  const duration = Math.max(1, Number((end - start) / MICROSECOND_NS));
  return { timestamp: Number(start / MICROSECOND_NS), duration };
}

/** Zipkin's tags are strings. */
function valuesOf(attributes = []) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, textOf(value)]));
}

function textOf(value) {
  const [inner] = Object.values(value);
  return typeof inner === 'object' ? JSON.stringify(inner) : String(inner);
}

function scopeTags(scope) {
  return {
    ...(scope?.name && { 'otel.scope.name': scope.name }),
    ...(scope?.version && { 'otel.scope.version': scope.version }),
  };
}

function statusTags(status) {
  if (!(status?.code in STATUS_CODES)) return {};
  const description = status.code === ERROR ? { error: status.message ?? '' } : {};
  return { 'otel.status_code': STATUS_CODES[status.code], ...description };
}
