import { executeChild, uuid4 } from '@temporalio/workflow';
import type { McpToolsInput, McpToolsResult } from '../contracts/mcp-tools.ts';
import { listingWorkflowId } from '../contracts/step-workflow-id.ts';
import { childOfUser } from './child-of-user.ts';

export interface ListMcpToolsOptions {
  /** Default: a new UUID. 1–128 of `A–Z a–z 0–9 . _ ~ -`. A second listing with the same id is refused. */
  listId?: string;
  /** The task queue of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /** As for `runMcpStep`. */
  searchAttributes?: boolean;
}

/**
 * Lists the tools of several of a user's servers and accounts, as a child of your own workflow, on Latchkey's task
 * queue. With `waitUntilConnected` it pauses until the user has connected them, visible to the user like a step, and is
 * cancelled with the scope that it runs in and with its parent.
 *
 * @throws ChildWorkflowFailure if it was cancelled (check with `isCancellation`), or if the input is invalid: then its
 *   cause is an ApplicationFailure of type `invalid-arguments`
 * @throws WorkflowExecutionAlreadyStartedError if the user has, or had, a listing with this id
 */
export async function listMcpTools(
  input: McpToolsInput,
  options: ListMcpToolsOptions = {},
): Promise<McpToolsResult> {
  const { taskQueue, listId = uuid4() } = options;
  return executeChild<(input: McpToolsInput) => Promise<McpToolsResult>>('mcpTools', {
    args: [input],
    ...childOfUser(input.userId, listingWorkflowId(input, listId), taskQueue),
  });
}
