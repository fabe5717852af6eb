import { ApplicationFailure, executeChild, uuid4 } from '@temporalio/workflow';
import { listingAsStep } from '../contracts/listing.ts';
import { INVALID_ARGUMENTS, type McpToolsInput, type McpToolsResult } from '../contracts/mcp-tools.ts';
import {
  accountsOfCalls,
  judgeCalls,
  type PreflightCall,
  type PreflightResult,
} from '../contracts/preflight.ts';
import { listingWorkflowId } from '../contracts/step-workflow-id.ts';
import { serverNames } from '../contracts/summaries.ts';
import { childOfUser, parentCarriesAttributes } from './child-of-user.ts';
import { refuseSecondSdk } from './one-sdk.ts';
import { messageOf } from './step/field-problems.ts';
import { type ListingPlan, parseListingInput } from './tools/listing-input.ts';
import { preflightProblems } from './tools/preflight-input.ts';

/** How `listMcpTools` runs its listing. */
export interface ListMcpToolsOptions {
  /** Default: the input's, or a new UUID. A second listing of the user's with the same id is refused. */
  listId?: string;
  /** The task queue of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /** As for `runMcpStep`. */
  searchAttributes?: boolean;
}

/**
 * Lists the tools of several of a user's servers and accounts, as a child of your own workflow, on Latchkey's task queue.
 * With `waitUntilConnected` it pauses until the user has connected them, and is shown to the user like a step. It is
 * cancelled with the scope that it runs in and with its parent.
 *
 * @throws Error if the Worker's bundle has two copies of `@temporalio/workflow`
 * @throws ApplicationFailure of type `invalid-arguments`, and starts nothing, if the input is invalid
 * @throws ChildWorkflowFailure if it was cancelled (check with `isCancellation`)
 * @throws WorkflowExecutionAlreadyStartedError if the user has, or had, a listing or step with this id
 */
export async function listMcpTools(
  input: McpToolsInput,
  options: ListMcpToolsOptions = {},
): Promise<McpToolsResult> {
  refuseSecondSdk();
  const { taskQueue, searchAttributes = parentCarriesAttributes() } = options;
  const listId = options.listId ?? input.listId ?? uuid4();
  const listing = { ...input, listId };
  const parsed = parseListingInput(listing, undefined);
  if (!parsed.ok) throw ApplicationFailure.nonRetryable(parsed.message, INVALID_ARGUMENTS);
  return executeChild<(input: McpToolsInput) => Promise<McpToolsResult>>('mcpTools', {
    args: [listing],
    staticSummary: `tools of ${serverNames(parsed.plan.servers)}`,
    ...childOfUser(input.userId, listingWorkflowId(listing, listId), taskQueue),
    ...(parsed.plan.waits && shownAsStep(parsed.plan, searchAttributes)),
  });
}

function shownAsStep({ userId, stepId, servers }: ListingPlan, searchAttributes: boolean) {
  const { memo, typedSearchAttributes } = listingAsStep(userId, stepId, servers);
  return searchAttributes ? { memo, typedSearchAttributes } : { memo };
}

/** The calls that a user's workflow plans. */
export interface PreflightInput {
  /** Who would make the calls. */
  userId: string;
  /** 1–50. */
  calls: PreflightCall[];
}

/**
 * Says whether a user may call these tools now, else why not, and where the user connects. Calls no tool; asks each server
 * once for its list. Runs workflow `mcpTools` as a child of your own workflow, on Latchkey's task queue.
 *
 * @throws as `listMcpTools`
 */
export async function preflightMcpTools(
  preflight: PreflightInput,
  options: Pick<ListMcpToolsOptions, 'taskQueue'> = {},
): Promise<PreflightResult> {
  const problems = preflightProblems(preflight);
  if (problems.length > 0) throw ApplicationFailure.nonRetryable(messageOf(problems), INVALID_ARGUMENTS);
  const { userId, calls } = preflight;
  const input = { userId, servers: accountsOfCalls(calls), detail: 'names' } as const;
  const { servers } = await listMcpTools(input, options);
  return judgeCalls(calls, servers);
}
