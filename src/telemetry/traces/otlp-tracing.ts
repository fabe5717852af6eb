/**
 * Traces over OTLP. Only `process/observe.ts` imports this file, and only where traces are on. Nothing is registered
 * globally: a program that has OpenTelemetry of its own keeps it.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { raceTimeout } from '../../async/deadline.ts';
import type { Attributes, OpenSpan, SpanStart, TraceContext, Tracing } from './tracing.ts';

export interface OtlpTracingOptions {
  /** The collector's base address, without a trailing slash. */
  endpoint: string;
  version: string;
}

const CLOSE_TIMEOUT_MS = 2_000;
/** An id that a user chose is at most so long. */
const MAX_ATTRIBUTE_CHARACTERS = 255;

const KINDS: Record<SpanStart['kind'], SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
};

export function createOtlpTracing({ endpoint, version }: OtlpTracingOptions): Tracing {
  const provider = new BasicTracerProvider({
    // The environment's `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win.
    resource: resourceFromAttributes({ 'service.name': 'latchkey', 'service.version': version }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_CHARACTERS },
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }))],
  });
  const tracer = provider.getTracer('latchkey', version);
  const contexts = new AsyncLocalStorage<Context>();
  return {
    start: (start) => openSpan(tracer, contexts, start),
    current: () => inject(contexts.getStore()),
    async close() {
      await raceTimeout({ ms: CLOSE_TIMEOUT_MS }, provider.shutdown(), () => {}).catch(() => {});
    },
  };
}

function openSpan(tracer: Tracer, contexts: AsyncLocalStorage<Context>, start: SpanStart): OpenSpan {
  const parent = start.parent ? extract(start.parent) : (contexts.getStore() ?? ROOT_CONTEXT);
  const span = tracer.startSpan(start.name, { kind: KINDS[start.kind] }, parent);
  setAttributes(span, start.attributes ?? {});
  const own = trace.setSpan(parent, span);
  return {
    run: (work) => contexts.run(own, work),
    name: (name) => void span.updateName(name),
    set: (attributes) => setAttributes(span, attributes),
    end(failed = false) {
      // Without a message: that of an error may quote another system.
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function setAttributes(span: Span, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(name, value);
  }
}

const w3c = new W3CTraceContextPropagator();

function extract(context: TraceContext): Context {
  return w3c.extract(ROOT_CONTEXT, context, defaultTextMapGetter);
}

function inject(context: Context | undefined): TraceContext {
  const carrier: Record<string, string> = {};
  if (context !== undefined) w3c.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}
