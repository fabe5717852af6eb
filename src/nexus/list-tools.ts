import { startWorkflow, WorkflowRunOperationHandler, type WorkflowStartOptions } from '@temporalio/nexus';
import type { OperationHandler } from 'nexus-rpc';
import type { McpToolsInput, McpToolsResult } from '../contracts/mcp-tools.ts';
import { fairnessKey, listingWorkflowId } from '../contracts/step-workflow-id.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import { cancelOwn } from './cancel-operation.ts';
import { rethrowForCaller } from './handler-errors.ts';
import type { OperationDependencies } from './operation-dependencies.ts';
import { idOfRequest, parseToolsInput } from './parse-input.ts';

type McpTools = (input: McpToolsInput) => Promise<McpToolsResult>;

/** Handles operation `listTools`: starts workflow `mcpTools`, once for each Nexus request. */
export function listToolsHandler(
  deps: OperationDependencies,
): OperationHandler<McpToolsInput, McpToolsResult> {
  const running = new WorkflowRunOperationHandler<McpToolsInput, McpToolsResult>((context, raw) => {
    const options = startOptions(deps, parseToolsInput(raw), idOfRequest(context.requestId));
    return temporalCall(deps.client, () => startWorkflow<McpTools>(context, 'mcpTools', options));
  });
  return {
    start: (context, input) => running.start(context, input).catch(rethrowForCaller(deps.logger)),
    cancel: cancelOwn(['tools/', 'step/'], running, deps.logger),
  };
}

function startOptions(
  { taskQueue }: OperationDependencies,
  input: McpToolsInput,
  listId: string,
): WorkflowStartOptions<McpTools> {
  return {
    taskQueue,
    workflowId: listingWorkflowId(input, listId),
    args: [input],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    priority: { fairnessKey: fairnessKey(input.userId) },
  };
}
