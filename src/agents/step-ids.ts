import { workflowInfo } from '@temporalio/workflow';

// The sandbox evaluates modules anew for each run of a workflow, so this counts the calls of one run, by all adapters.
const run = { calls: 0 };

/**
 * Returns the id of the agent's next step: the same in every replay, whatever id the model gave the call. It names the
 * first run and the previous one, because these stay when an operator resets the workflow and its history is replayed
 * under a new run id. After a reset an id may have been used already: `attempt` makes another one of it.
 */
export function nextStepId(): (attempt: number) => string {
  const { firstExecutionRunId, continuedFromExecutionRunId } = workflowInfo();
  run.calls += 1;
  const ids = [firstExecutionRunId, ...(continuedFromExecutionRunId ? [continuedFromExecutionRunId] : [])];
  const id = ['agent', ...ids, run.calls].join('.');
  return (attempt) => (attempt === 1 ? id : `${id}.${attempt}`);
}
