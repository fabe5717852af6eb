import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { isObject } from '../contracts/is-object.ts';
import type { ToolResult } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import { startInputOf } from './step-identity.ts';

/** What a tool was called with and what it answered. */
export interface StepContent {
  /** Of the step's start. An approval may have edited them. */
  arguments?: Record<string, unknown>;
  /** A result that is stored apart from Temporal's history stays a reference. */
  result?: ToolResult;
  /** What is larger, or can't be read, is left out. */
  leftOut?: true;
}

/** Of one step in a list. A page of 100 steps then has at most 25 MiB. */
const MAX_BYTES = 256 * 1024;

/** Reads a step's content from Temporal. Asks no worker. */
export async function readStepContent(
  client: Client,
  execution: WorkflowExecutionInfo,
): Promise<StepContent> {
  const [input, outcome] = await Promise.all([
    startInputOf(client, execution),
    execution.status.name === 'COMPLETED' ? resultOf(client, execution) : undefined,
  ]);
  const args = isObject(input) ? input.arguments : undefined;
  const result = isObject(outcome) ? outcome.result : undefined;
  const content: StepContent = {
    ...(isObject(args) && { arguments: args }),
    ...(isResult(result) && { result }),
  };
  const isReadable = input !== undefined && outcome !== UNREADABLE;
  if (Buffer.byteLength(JSON.stringify(content)) > MAX_BYTES) return { leftOut: true };
  return isReadable ? content : { ...content, leftOut: true };
}

// Any client can start a workflow of this type on a worker of its own, which may return anything.
function isResult(value: unknown): value is ToolResult {
  return isObject(value) && Array.isArray(value.content);
}

const UNREADABLE = Symbol('unreadable');

async function resultOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<unknown> {
  const handle = client.workflow.getHandle(workflowId, runId);
  // Deleted meanwhile, or encrypted with a key that is not configured here.
  return temporalCall(client, () => handle.result()).catch(() => UNREADABLE);
}
