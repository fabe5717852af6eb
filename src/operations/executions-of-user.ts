import type { Client } from '@temporalio/client';
import { stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { isStepOf, startedAs } from '../steps/step-identity.ts';
import { readableExecutionInfo } from '../temporal/execution-info.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';

export interface ExecutionId {
  workflowId: string;
  runId: string;
}

const PAGE_SIZE = 200;

/**
 * The user's steps, open or ended: those whose workflow ids say so, children of other workflows among them, and
 * those that carry the user as a search attribute under an id of their own. Found by Temporal's visibility, which
 * lags by about a second.
 *
 * @throws TemporalUnavailable
 */
export async function executionsOfUser(
  client: Client,
  userId: string,
  which: 'open' | 'ended',
): Promise<ExecutionId[]> {
  const steps = `WorkflowType = 'mcpStep' AND ExecutionStatus ${which === 'open' ? '=' : '!='} 'Running'`;
  const found = new Map<string, ExecutionId>();
  for (const own of [...ownIds(userId), ownAttribute(userId)]) {
    for await (const execution of executions(client, `${steps}${own}`, userId)) {
      found.set(execution.runId, execution);
    }
  }
  return [...found.values()];
}

// Percent-encoded: it holds no quote that could end the string.
function ownIds(userId: string): string[] {
  return stepWorkflowIdPrefixes(userId).map((prefix) => ` AND WorkflowId STARTS_WITH '${prefix}'`);
}

// Temporal's visibility undoes no escapes: such users' steps are looked for among everybody's.
function ownAttribute(userId: string): string {
  return /['"\\]/.test(userId) ? '' : ` AND McpUserId = '${userId}'`;
}

async function* executions(client: Client, query: string, userId: string): AsyncGenerator<ExecutionId> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const answer = await listPage(client, { query, pageSize: PAGE_SIZE, nextPageToken });
    for (const raw of answer?.executions ?? []) {
      const execution = await readableExecutionInfo(client, raw);
      // Stores that compare without case find other users' too, and anybody may start one under an id of this user.
      const isOwn = isStepOf(userId, execution, await startedAs(client, execution));
      if (isOwn) yield { workflowId: execution.workflowId, runId: execution.runId };
    }
    nextPageToken = answer?.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}

// A namespace without the search attributes refuses to be asked by them: then no step carries them either.
async function listPage(
  client: Client,
  page: { query: string; pageSize: number; nextPageToken: Uint8Array },
) {
  const request = { namespace: client.options.namespace, ...page };
  try {
    return await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
  } catch (error) {
    if (isInvalidArgument(error)) return undefined;
    throw error;
  }
}
