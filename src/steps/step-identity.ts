import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { listingIdentity } from '../contracts/listing.ts';
import type { McpToolsInput, ServerAccount } from '../contracts/mcp-tools.ts';
import { mcpUserId } from '../contracts/search-attributes.ts';
import type { McpStepInput } from '../contracts/step.ts';
import { memoOf, type StepIdentity, type StepMemo } from '../contracts/step-memo.ts';
import { isPlainlyOf } from '../contracts/step-workflow-id.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { isStepType } from './step-types.ts';

/** What the start of a step says about it. Any field may be missing: any client can start the workflow. */
export type StartedAs = Partial<StepIdentity & Pick<McpStepInput, 'userId'>>;

interface StartedExecution {
  workflowId: string;
  runId: string;
  memo?: Record<string, unknown> | undefined;
}

/**
 * Reads what an execution was started as: from its memo or, with one more request, from its input.
 *
 * @throws TemporalUnavailable
 */
export async function startedAs(client: Client, execution: StartedExecution): Promise<StartedAs> {
  const memo: StepMemo | undefined = memoOf(execution.memo);
  return memo ?? textsOf(await startInputOf(client, execution));
}

/**
 * Whether an execution is a step of exactly this user. Decides by its start, otherwise by its search attribute,
 * otherwise by its workflow id. The visibility query is not enough: SQLite and MySQL compare without case.
 */
export function isStepOf(
  userId: string,
  execution: Pick<WorkflowExecutionInfo, 'type' | 'workflowId' | 'typedSearchAttributes'>,
  started: StartedAs,
): boolean {
  if (!isStepType(execution.type)) return false;
  const owner = started.userId ?? execution.typedSearchAttributes.get(mcpUserId);
  return owner === undefined ? isPlainlyOf(execution.workflowId, userId) : owner === userId;
}

/** Returns the input of an execution; undefined where the history is deleted or the input can't be decoded. */
export async function startInputOf(
  client: Client,
  { workflowId, runId }: StartedExecution,
): Promise<unknown> {
  const request = {
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  };
  // Lists lag behind, so the history may be deleted already.
  const answer = await temporalCall(client, () =>
    client.workflowService.getWorkflowExecutionHistory(request),
  ).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const payloads = answer?.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  // An input that can't be decoded counts as empty: no worker can decode it either.
  return decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, payloads).catch(() => undefined);
}

function textsOf(input: unknown): StartedAs {
  if (typeof input !== 'object' || input === null) return {};
  if ('servers' in input && Array.isArray(input.servers)) return listingOf(input, input.servers);
  const names = ['userId', 'stepId', 'mcpServerId', 'account', 'tool', 'title', 'mode'];
  // The cast is enough for showing the texts. The workflow validates its input itself.
  return Object.fromEntries(
    Object.entries(input).filter(([name, value]) => names.includes(name) && typeof value === 'string'),
  ) as StartedAs;
}

// A client in another language may have started it without a memo, and with any value.
function listingOf(input: object, servers: readonly unknown[]): StartedAs {
  const { userId, listId }: Partial<Record<keyof McpToolsInput, unknown>> = input;
  const { stepId, ...identity } = listingIdentity(
    typeof listId === 'string' ? listId : '',
    servers.filter(isServerAccount),
  );
  return {
    ...identity,
    ...(stepId !== '' && { stepId }),
    ...(typeof userId === 'string' && { userId }),
  };
}

function isServerAccount(value: unknown): value is ServerAccount {
  if (typeof value !== 'object' || value === null) return false;
  const { mcpServerId, account = null }: Partial<Record<keyof ServerAccount, unknown>> = value;
  return typeof mcpServerId === 'string' && (account === null || typeof account === 'string');
}
