import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';

// The sandbox evaluates modules once for each run of a workflow, so this counts the children of one run, over all
// adapters.
const run = { children: 0 };

/** Ids that a reset workflow may have used already. */
const MAX_ATTEMPTS = 1_000;

/**
 * Starts a child of the agent with the agent's next id: the same in every replay, whatever id the model gave its call. It
 * names the first run and the previous one, because these stay when an operator resets the workflow and its history is
 * replayed under a new run id. After a reset the id may be taken; then another one is made of it.
 */
export async function withNextId<T>(start: (id: string) => Promise<T>): Promise<T> {
  const id = nextId();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(attempt === 1 ? id : `${id}.${attempt}`);
    } catch (error) {
      const isTaken = error instanceof WorkflowExecutionAlreadyStartedError;
      if (!isTaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function nextId(): string {
  const { firstExecutionRunId, continuedFromExecutionRunId } = workflowInfo();
  run.children += 1;
  const runs = [firstExecutionRunId, ...(continuedFromExecutionRunId ? [continuedFromExecutionRunId] : [])];
  return ['agent', ...runs, run.children].join('.');
}
