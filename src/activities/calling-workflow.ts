import { Context } from '@temporalio/activity';

/** The id of the workflow that scheduled this activity; steps are addressed by it across their runs. */
export function callingWorkflowId(): string {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new Error('this activity belongs to a workflow');
  return workflowExecution.workflowId;
}
