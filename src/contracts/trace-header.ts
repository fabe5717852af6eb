/**
 * The header of workflows and activities that holds a trace's context, as JSON: `{"traceparent": …, "tracestate"?: …}`.
 * It is the header of Temporal's own OpenTelemetry interceptors, so that their traces and Latchkey's are one.
 *
 * @see https://www.w3.org/TR/trace-context/
 */
export const TRACE_HEADER = '_tracer-data';
