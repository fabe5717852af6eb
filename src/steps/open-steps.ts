import type { Client } from '@temporalio/client';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { McpStepInput } from '../contracts/step.ts';
import { memoOf, type StepMemo } from '../contracts/step-memo.ts';
import { STATE_MEMO, type StepStateMemo } from '../contracts/step-state-memo.ts';
import { stepIdIn } from '../contracts/step-workflow-id.ts';
import { temporalCall } from './temporal-call.ts';

/** A step that has not ended, as Temporal's visibility shows it. */
export interface OpenStep {
  workflowId: string;
  stepId: string;
  userId: string;
  mcpServerId: string;
  /** It has paused until its user's credential is deposited again. */
  awaitsDeposit: boolean;
}

const PAGE_SIZE = 200;

/**
 * Every open step of the namespace, page by page.
 *
 * @throws TemporalUnavailable
 */
export async function* openSteps(client: Client): AsyncGenerator<OpenStep[]> {
  const { namespace } = client.options;
  const query = "WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running'";
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize: PAGE_SIZE, nextPageToken };
    const answer = await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
    yield await Promise.all(answer.executions.map((raw) => openStep(client, raw)));
    nextPageToken = answer.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}

type RawExecution = Parameters<typeof executionInfoFromRaw>[0];

async function openStep(client: Client, raw: RawExecution): Promise<OpenStep> {
  const { loadedDataConverter, namespace } = client.options;
  const { workflowId, memo } = await executionInfoFromRaw(raw, loadedDataConverter, raw, namespace);
  // The cast trusts what the step's own record wrote: nobody else uses the key.
  const state = memo?.[STATE_MEMO] as StepStateMemo | undefined;
  const { userId, mcpServerId, stepId }: McpStepInput | StepMemo =
    memoOf(memo) ?? (await inputOf(client, workflowId));
  const awaitsDeposit =
    state?.status === 'awaiting-input' &&
    (state.awaitingInputReason === 'needs-oauth-reauth' || state.awaitingInputReason === 'needs-oauth-scope');
  return { workflowId, userId, mcpServerId, awaitsDeposit, stepId: stepId ?? stepIdIn(workflowId) };
}

// A step of a client in another language has no memo of its start.
async function inputOf(client: Client, workflowId: string): Promise<McpStepInput> {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await temporalCall(client, () =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId },
      maximumPageSize: 1,
    }),
  );
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  // A step whose input is none has ended at once, with `invalid-arguments`.
  return decodeFromPayloadsAtIndex<McpStepInput>(loadedDataConverter, 0, payloads);
}
