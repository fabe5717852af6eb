import type {
  WorkflowExecuteInput,
  WorkflowInboundCallsInterceptor,
  WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { maybeGetActivator } from '@temporalio/workflow/lib/global-attributes.js';
import { TRACE_HEADER } from '../contracts/trace-header.ts';

type Headers = WorkflowExecuteInput['headers'];

/**
 * Copies the trace's context from the start of a workflow to its activities, children and next run, so that a step is
 * one trace however long it is paused. Without such a header it changes nothing. Headers are not compared when a
 * history is replayed, and no promise is added, so recorded histories replay.
 */
class TraceHeaders implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor {
  #own: Headers = {};

  execute: NonNullable<WorkflowInboundCallsInterceptor['execute']> = (input, next) => {
    const context = input.headers[TRACE_HEADER];
    this.#own = context === undefined ? {} : { [TRACE_HEADER]: context };
    return next(input);
  };

  scheduleActivity: NonNullable<WorkflowOutboundCallsInterceptor['scheduleActivity']> = (input, next) =>
    next({ ...input, headers: { ...this.#own, ...input.headers } });

  startChildWorkflowExecution: NonNullable<WorkflowOutboundCallsInterceptor['startChildWorkflowExecution']> =
    (input, next) => next({ ...input, headers: { ...this.#own, ...input.headers } });

  continueAsNew: NonNullable<WorkflowOutboundCallsInterceptor['continueAsNew']> = (input, next) =>
    next({ ...input, headers: { ...this.#own, ...input.headers } });
}

/** Registers the interceptor, as `merge-signals.ts` does: other applications bundle these workflows too. */
export function installTraceHeaders(): void {
  const interceptors = maybeGetActivator()?.interceptors;
  if (interceptors === undefined) return;
  const traceHeaders = new TraceHeaders();
  interceptors.inbound.push(traceHeaders);
  interceptors.outbound.push(traceHeaders);
}
