import { Context } from '@temporalio/activity';

const HEARTBEAT_INTERVAL_MS = 5_000;

/** Returns the id of the workflow that scheduled this activity. It addresses a step across its runs. */
export function callingWorkflowId(): string {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new Error('this activity belongs to a workflow');
  return workflowExecution.workflowId;
}

/** Whether a listing of tools scheduled this activity, and no step. */
export function isCalledByListing(): boolean {
  return Context.current().info.workflowType === 'mcpTools';
}

/**
 * Heartbeats while `work` runs: the server notices a dead worker, the worker learns of a cancellation, and a
 * description of the workflow shows the details.
 */
export async function heartbeating<T>(work: () => Promise<T>, details?: () => unknown): Promise<T> {
  const context = Context.current();
  const heartbeats = setInterval(() => context.heartbeat(details?.()), HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeats);
  }
}
