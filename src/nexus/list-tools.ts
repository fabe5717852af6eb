import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { startWorkflow, WorkflowRunOperationHandler, type WorkflowStartOptions } from '@temporalio/nexus';
import type { OperationHandler } from 'nexus-rpc';
import { listingAsStep } from '../contracts/listing.ts';
import type { McpToolsInput, McpToolsResult } from '../contracts/mcp-tools.ts';
import { fairnessKey, listingWorkflowId } from '../contracts/step-workflow-id.ts';
import { serverNames } from '../contracts/summaries.ts';
import { withOrWithoutAttributes } from '../steps/with-or-without-attributes.ts';
import { cancelOwn } from './cancel-operation.ts';
import { listConflict, rethrowForCaller } from './handler-errors.ts';
import type { OperationDependencies } from './operation-dependencies.ts';
import { idOfRequest, parseToolsInput } from './parse-input.ts';

type McpTools = (input: McpToolsInput) => Promise<McpToolsResult>;
type Listing = McpToolsInput & { listId: string };

/** Handles operation `listTools`: starts workflow `mcpTools`, once for each Nexus request. */
export function listToolsHandler(
  deps: OperationDependencies,
): OperationHandler<McpToolsInput, McpToolsResult> {
  const running = new WorkflowRunOperationHandler<McpToolsInput, McpToolsResult>((context, raw) => {
    const input = parseToolsInput(raw);
    const listing = { ...input, listId: input.listId ?? idOfRequest(context.requestId) };
    return withOrWithoutAttributes(deps.client, startOptions(deps, listing), (options) =>
      startWorkflow<McpTools>(context, 'mcpTools', options),
    );
  });
  return {
    start: (context, input) =>
      running.start(context, input).catch((error: unknown) => {
        if (error instanceof WorkflowExecutionAlreadyStartedError) throw listConflict();
        return rethrowForCaller(deps.logger)(error);
      }),
    cancel: cancelOwn(['tools/', 'step/'], running, deps.logger),
  };
}

function startOptions(
  { taskQueue }: OperationDependencies,
  listing: Listing,
): WorkflowStartOptions<McpTools> {
  return {
    taskQueue,
    workflowId: listingWorkflowId(listing, listing.listId),
    args: [listing],
    staticSummary: `tools of ${serverNames(listing.servers)}`,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    priority: { fairnessKey: fairnessKey(listing.userId) },
    ...(listing.waitUntilConnected && listingAsStep(listing.userId, listing.listId, listing.servers)),
  };
}
