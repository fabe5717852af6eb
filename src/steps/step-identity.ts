import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { mcpUserId } from '../contracts/search-attributes.ts';
import type { McpStepInput } from '../contracts/step.ts';
import { memoOf, type StepIdentity, type StepMemo } from '../contracts/step-memo.ts';
import { isPlainlyOf } from '../contracts/step-workflow-id.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';

/** What a step's start says of it, whoever started it; a client in another language may have left anything out. */
export type StartedAs = Partial<StepIdentity & Pick<McpStepInput, 'userId'>>;

interface StartedExecution {
  workflowId: string;
  runId: string;
  memo?: Record<string, unknown> | undefined;
}

/**
 * By its memo, or by its input where the start carried none: that takes one request more.
 *
 * @throws TemporalUnavailable
 */
export async function startedAs(client: Client, execution: StartedExecution): Promise<StartedAs> {
  const memo: StepMemo | undefined = memoOf(execution.memo);
  return memo ?? textsOf(await inputOf(client, execution));
}

/**
 * Whether an execution is a step of exactly this user: by what its start says, else by its search attribute, else by
 * its workflow id. Visibility alone decides nothing: SQLite and MySQL compare without case.
 */
export function isStepOf(
  userId: string,
  execution: Pick<WorkflowExecutionInfo, 'type' | 'workflowId' | 'typedSearchAttributes'>,
  started: StartedAs,
): boolean {
  if (execution.type !== 'mcpStep') return false;
  const owner = started.userId ?? execution.typedSearchAttributes.get(mcpUserId);
  return owner === undefined ? isPlainlyOf(execution.workflowId, userId) : owner === userId;
}

async function inputOf(client: Client, { workflowId, runId }: StartedExecution): Promise<unknown> {
  const request = {
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  };
  // Lists lag behind: a history may be deleted by then, and says nothing any more.
  const answer = await temporalCall(client, () =>
    client.workflowService.getWorkflowExecutionHistory(request),
  ).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const payloads = answer?.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  // What can't be decoded says nothing: no worker can act on it either.
  return decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, payloads).catch(() => undefined);
}

function textsOf(input: unknown): StartedAs {
  if (typeof input !== 'object' || input === null) return {};
  const names = ['userId', 'stepId', 'mcpServerId', 'tool', 'title', 'mode'];
  // The cast trusts the texts no further than to be shown: the workflow judges its input.
  return Object.fromEntries(
    Object.entries(input).filter(([name, value]) => names.includes(name) && typeof value === 'string'),
  ) as StartedAs;
}
