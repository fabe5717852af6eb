import type { Client } from '@temporalio/client';
import { resolve } from '../contracts/messages.ts';
import { mcpServerIdAttribute } from '../contracts/search-attributes.ts';
import { executionInfo } from './execution-info.ts';
import { sendDecision } from './send-decision.ts';
import type { DecisionOutcome, ResolvedMany, ResolveMany } from './step-client.ts';
import { temporalCall } from './temporal-call.ts';

/** As many steps are resolved at once as a page holds. */
const PAGE_SIZE = 25;
const NO_WORKER = 'no-worker';

type Told = DecisionOutcome['kind'];

/**
 * Resolves every step of a server that started within a time span and waits with `outcome-unknown`. Found by
 * Temporal's visibility, which lags by about a second: what paused just now may be missed, and found by
 * the next call. Once no worker answers for a whole page, the rest counts as failed without being tried.
 */
export async function resolveMany(client: Client, many: ResolveMany, by?: string): Promise<ResolvedMany> {
  const sum: ResolvedMany = { resolved: 0, skipped: 0, failed: 0 };
  let isAnswered = true;
  for await (const workflowIds of waitingSteps(client, many)) {
    const kinds: Told[] = isAnswered
      ? await tellAll(client, workflowIds, many, by)
      : workflowIds.map(() => NO_WORKER);
    for (const kind of kinds) sum[COUNTED_AS[kind]] += 1;
    isAnswered = workflowIds.length === 0 ? isAnswered : kinds.some((kind) => kind !== NO_WORKER);
  }
  return sum;
}

const COUNTED_AS: Record<Told, keyof ResolvedMany> = {
  applied: 'resolved',
  'not-waiting': 'skipped',
  'not-found': 'skipped',
  invalid: 'failed',
  unchecked: 'failed',
  'too-many': 'failed',
  'no-worker': 'failed',
};

async function tellAll(
  client: Client,
  workflowIds: string[],
  { resolution }: ResolveMany,
  by: string | undefined,
): Promise<Told[]> {
  const outcomes = await Promise.all(
    workflowIds.map((id) => sendDecision(client, id, resolve, resolution, by)),
  );
  return outcomes.map(({ kind }) => kind);
}

async function* waitingSteps(client: Client, many: ResolveMany): AsyncGenerator<string[]> {
  const { namespace } = client.options;
  const query = queryFor(many);
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize: PAGE_SIZE, nextPageToken };
    const answer = await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
    const executions = await Promise.all(answer.executions.map((raw) => executionInfo(client, raw)));
    yield executions
      .filter(({ typedSearchAttributes: has }) => has.get(mcpServerIdAttribute) === many.mcpServerId)
      .map(({ workflowId }) => workflowId);
    nextPageToken = answer.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}

function queryFor({ mcpServerId, from, to }: ResolveMany): string {
  return [
    "WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running' AND McpStepStatus = 'awaiting-input'",
    `StartTime BETWEEN '${from.toISOString()}' AND '${to.toISOString()}'`,
    ...(canBeQuoted(mcpServerId) ? [`McpServerId = '${mcpServerId}'`] : []),
  ].join(' AND ');
}

// Temporal's visibility undoes no escapes: such ids are told apart here alone.
function canBeQuoted(id: string): boolean {
  return !/['"\\]/.test(id);
}
