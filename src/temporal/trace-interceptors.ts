import type { WorkflowClientInterceptor, WorkflowStartInput } from '@temporalio/client';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { isObject } from '../contracts/is-object.ts';
import { stepIdIn } from '../contracts/step-workflow-id.ts';
import { TRACE_HEADER } from '../contracts/trace-header.ts';
import { inSpan, type OpenSpan, type TraceContext, type Tracing } from '../telemetry/traces/tracing.ts';

/** Gives workflows that a client starts the context of the trace in which it starts them. */
export function traceStarts(tracing: Tracing): WorkflowClientInterceptor {
  const traced = <T>(input: WorkflowStartInput, start: (input: WorkflowStartInput) => Promise<T>) =>
    inSpan(tracing, { name: `start ${input.workflowType}`, kind: 'producer' }, () =>
      start({ ...input, headers: withContext(input.headers, tracing) }),
    );
  return {
    start: (input, next) => traced(input, next),
    startWithDetails: (input, next) => traced(input, next),
    signalWithStart: (input, next) => next({ ...input, headers: withContext(input.headers, tracing) }),
    startUpdateWithStart: (input, next) =>
      next({ ...input, workflowStartHeaders: withContext(input.workflowStartHeaders, tracing) }),
  };
}

/** Makes a span of each activity, in the trace of its workflow. */
export function traceActivities(tracing: Tracing): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const start = {
          name: info.activityType,
          kind: 'internal' as const,
          parent: contextIn(input.headers),
          attributes: {
            ...subjectOf(input.args[0]),
            'latchkey.step_id': stepIdIn(info.workflowExecution?.workflowId ?? ''),
            'latchkey.attempt': info.attempt,
          },
        };
        return inSpan(tracing, start, async (span) => {
          const outcome = await next(input);
          setOutcome(span, outcome);
          return outcome;
        });
      },
    },
  });
}

function withContext(headers: Headers, tracing: Tracing): Headers {
  const context = tracing.current();
  if (context.traceparent === undefined) return headers;
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(context) };
}

/** Empty if a client without traces started the workflow, or the header has another form. */
function contextIn(headers: Headers): TraceContext {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return {};
  try {
    const context: unknown = defaultPayloadConverter.fromPayload(payload);
    const entries = isObject(context) ? Object.entries(context) : [];
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

// The names alone: an input also has a user and arguments.
function subjectOf(input: unknown) {
  if (!isObject(input)) return {};
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { 'latchkey.server': text(input.mcpServerId), 'latchkey.tool': text(input.tool) };
}

function setOutcome(span: OpenSpan, outcome: unknown): void {
  if (isObject(outcome) && typeof outcome.kind === 'string') span.set({ 'latchkey.outcome': outcome.kind });
}
