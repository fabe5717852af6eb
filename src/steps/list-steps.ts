import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { StepStatus } from '../contracts/step.ts';
import { stepWorkflowIdPrefixes } from '../contracts/step-workflow-id.ts';
import { executionInfo, type RawExecution } from './execution-info.ts';
import { forEachOf } from './for-each-of.ts';
import { InvalidCursor, type ListStepsOptions, type StepSummary } from './step-client.ts';
import { startedAs } from './step-identity.ts';
import { stepIdOf, summaryOf } from './step-summary.ts';
import { isInvalidArgument, temporalCall } from './temporal-call.ts';

const STATUS_QUERIES: Record<StepStatus, string> = {
  running: "ExecutionStatus = 'Running' AND McpStepStatus = 'running'",
  'awaiting-input': "ExecutionStatus = 'Running' AND McpStepStatus = 'awaiting-input'",
  success: "ExecutionStatus = 'Completed' AND McpStepStatus = 'running'",
  error:
    "((ExecutionStatus = 'Completed' AND McpStepStatus = 'error') OR ExecutionStatus IN ('Failed', 'TimedOut'))",
  skipped: "ExecutionStatus = 'Completed' AND McpStepStatus = 'skipped'",
  cancelled: "ExecutionStatus IN ('Canceled', 'Terminated')",
};

/**
 * A page of a user's steps, the open ones first, then the latest ended (the order of Temporal's visibility). It may
 * hold fewer than were asked for: what only looks like a step of the user is left out.
 */
export async function listSteps(
  { client }: { client: Client },
  userId: string,
  options: ListStepsOptions,
): Promise<{ steps: StepSummary[]; nextCursor?: string }> {
  const query = queryFor(userId, options.status);
  const answer = await listPage(client, query, options);
  const found = await forEachOf(answer.executions, (raw) => ownStep(client, userId, raw));
  const steps = found.filter((step) => step !== undefined);
  const token = Buffer.from(answer.nextPageToken ?? []);
  return token.length === 0 ? { steps } : { steps, nextCursor: cursorOf(token, query) };
}

async function ownStep(client: Client, userId: string, raw: RawExecution): Promise<StepSummary | undefined> {
  const execution = await executionInfo(client, raw);
  const started = await startedAs(client, execution);
  const stepId = stepIdOf(userId, execution, started);
  return stepId === undefined ? undefined : summaryOf(execution, stepId, started);
}

// The prefixes are percent-encoded, so they hold no quote that could end the string.
function queryFor(userId: string, status: StepStatus | undefined): string {
  const ids = stepWorkflowIdPrefixes(userId).map((prefix) => `WorkflowId STARTS_WITH '${prefix}'`);
  const own = `WorkflowType = 'mcpStep' AND (${ids.join(' OR ')})`;
  const current = "ExecutionStatus != 'ContinuedAsNew'";
  return [own, status === undefined ? current : STATUS_QUERIES[status]].join(' AND ');
}

async function listPage(client: Client, query: string, { limit, cursor }: ListStepsOptions) {
  const { namespace } = client.options;
  const nextPageToken = cursor === undefined ? Buffer.alloc(0) : tokenOf(cursor, query);
  try {
    return await temporalCall(client, () =>
      client.workflowService.listWorkflowExecutions({ namespace, query, pageSize: limit, nextPageToken }),
    );
  } catch (error) {
    if (cursor !== undefined && isInvalidArgument(error)) throw new InvalidCursor();
    throw error;
  }
}

// Temporal's own token says not which list it is of, and one that it can't read is answered, depending on the
// visibility store, by an empty page or by an internal error that the client repeats until its deadline.
function cursorOf(token: Buffer, query: string): string {
  return `${token.toString('base64url')}.${checksumOf(token, query)}`;
}

function tokenOf(cursor: string, query: string): Buffer {
  const [encoded = '', checksum] = cursor.split('.');
  const token = Buffer.from(encoded, 'base64url');
  if (checksum !== checksumOf(token, query)) throw new InvalidCursor();
  return token;
}

function checksumOf(token: Buffer, query: string): string {
  return createHash('sha256').update(query).update('\0').update(token).digest('base64url').slice(0, 12);
}
