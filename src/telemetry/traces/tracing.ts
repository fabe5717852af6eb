/**
 * Spans of a process, without a type of OpenTelemetry: where traces are off, no part of it is loaded, and this file is
 * all that others import. docs/traces.md lists the spans. No span holds a user, a token, arguments or a result.
 */

/** A trace's context as it travels: `traceparent`, and perhaps `tracestate`. Empty: there is none. */
export type TraceContext = Readonly<Record<string, string>>;

export type Attributes = Readonly<Record<string, string | number | undefined>>;

export interface SpanStart {
  /** One of few names; what varies is in the attributes. */
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer';
  attributes?: Attributes;
  /** Default: the span within which the caller runs. */
  parent?: TraceContext;
}

export interface OpenSpan {
  /** Runs `work` within the span. */
  run<T>(work: () => T): T;
  name(name: string): void;
  set(attributes: Attributes): void;
  /** @param failed whether the operation failed. Default: false */
  end(failed?: boolean): void;
}

export interface Tracing {
  start(span: SpanStart): OpenSpan;
  /** The context of the span within which the caller runs. */
  current(): TraceContext;
  /** Sends what is left, for at most 2 s. */
  close(): Promise<void>;
}

/** Runs `work` within a span that ends with it. */
export async function inSpan<T>(
  tracing: Tracing,
  start: SpanStart,
  work: (span: OpenSpan) => Promise<T>,
): Promise<T> {
  const span = tracing.start(start);
  try {
    const result = await span.run(() => work(span));
    span.end();
    return result;
  } catch (error) {
    span.end(true);
    throw error;
  }
}
