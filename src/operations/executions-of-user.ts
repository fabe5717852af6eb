import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { listingWorkflowIdPrefix, stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { isStepOf, startedAs } from '../steps/step-identity.ts';
import { IS_STEP } from '../steps/step-types.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { listPages, readableExecutionInfo } from '../temporal/visibility.ts';

export interface ExecutionId {
  workflowId: string;
  runId: string;
}

const PAGE_SIZE = 200;

/**
 * Finds the user's steps and listings of tools, open or ended. It finds those whose workflow ids name the user, including child workflows,
 * and those under other ids that carry the user as a search attribute. Temporal's visibility, which it asks, lags by
 * about a second.
 *
 * @throws TemporalUnavailable
 */
export async function executionsOfUser(
  client: Client,
  userId: string,
  which: 'open' | 'ended',
): Promise<ExecutionId[]> {
  const steps = `${IS_STEP} AND ExecutionStatus ${which === 'open' ? '=' : '!='} 'Running'`;
  const found = new Map<string, ExecutionId>();
  for (const condition of [...idConditions(userId), attributeCondition(userId)]) {
    for await (const execution of executions(client, `${steps}${condition}`, userId)) {
      found.set(execution.runId, execution);
    }
  }
  return [...found.values()];
}

// The prefixes are percent-encoded, so they hold no quote that could end the string.
function idConditions(userId: string): string[] {
  const prefixes = [...stepWorkflowIdPrefixes(userId), listingWorkflowIdPrefix(userId)];
  return prefixes.map((prefix) => ` AND WorkflowId STARTS_WITH '${prefix}'`);
}

// A visibility query can't escape quotes. The steps of such users are searched for among the steps of all users.
function attributeCondition(userId: string): string {
  return /['"\\]/.test(userId) ? '' : ` AND McpUserId = '${userId}'`;
}

async function* executions(client: Client, query: string, userId: string): AsyncGenerator<ExecutionId> {
  // No step carries the attributes in a namespace that lacks them.
  const pages = listPages(client, { query, withoutAttributes: 'find-nothing', pageSize: PAGE_SIZE });
  for await (const page of pages) {
    for (const raw of page) {
      const execution = await readableExecutionInfo(client, raw);
      // Checks each: stores that compare without case find other users' steps too, and any client can start a
      // workflow under an id of this user.
      const isOfUser = isStepOf(userId, execution, await startedAs(client, execution));
      if (isOfUser) yield { workflowId: execution.workflowId, runId: execution.runId };
    }
  }
}

/** Cancels the steps. A step that has ended stays as it is. */
export async function cancelAll(client: Client, workflowIds: string[]): Promise<void> {
  await mapConcurrently(workflowIds, async (workflowId) => {
    const handle = client.workflow.getHandle(workflowId);
    await temporalCall(client, () => handle.cancel()).catch(ignoreNotFound);
  });
}

/** Asks Temporal to delete the histories with their arguments and results. Temporal deletes them later. */
export async function deleteHistories(client: Client, executions: ExecutionId[]): Promise<void> {
  const { namespace } = client.options;
  await mapConcurrently(executions, async (workflowExecution) => {
    const request = { namespace, workflowExecution };
    await temporalCall(client, () => client.workflowService.deleteWorkflowExecution(request)).catch(
      ignoreNotFound,
    );
  });
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
