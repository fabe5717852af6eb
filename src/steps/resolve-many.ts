import type { Client } from '@temporalio/client';
import { forEachOf } from '../async/for-each-of.ts';
import { resolve } from '../contracts/messages.ts';
import { mcpServerIdAttribute } from '../contracts/search-attributes.ts';
import { type RawExecution, readableExecutionInfo } from '../temporal/execution-info.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';
import { sendDecision } from './send-decision.ts';
import type { DecisionOutcome, ResolvedMany, ResolveMany } from './step-client.ts';
import { startedAs } from './step-identity.ts';
import { statusOf } from './step-summary.ts';

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
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const answer = await listPage(client, many, nextPageToken);
    const matching = await forEachOf(answer.executions, (raw) => ifMatching(client, many, raw));
    yield matching.filter((workflowId) => workflowId !== undefined);
    nextPageToken = answer.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}

// Exactly: visibility may compare without case, and finds more where the namespace lacks the search attributes.
async function ifMatching(
  client: Client,
  { mcpServerId }: ResolveMany,
  raw: RawExecution,
): Promise<string | undefined> {
  const execution = await readableExecutionInfo(client, raw);
  if (execution.type !== 'mcpStep' || statusOf(execution) !== 'awaiting-input') return undefined;
  const server =
    execution.typedSearchAttributes.get(mcpServerIdAttribute) ??
    (await startedAs(client, execution)).mcpServerId;
  return server === mcpServerId ? execution.workflowId : undefined;
}

async function listPage(client: Client, many: ResolveMany, nextPageToken: Uint8Array) {
  const page = { namespace: client.options.namespace, pageSize: PAGE_SIZE, nextPageToken };
  const ask = (query: string) =>
    temporalCall(client, () => client.workflowService.listWorkflowExecutions({ ...page, query }));
  try {
    return await ask(`${openSince(many)} AND ${waitingAt(many)}`);
  } catch (error) {
    if (!isInvalidArgument(error)) throw error;
    return ask(openSince(many));
  }
}

function openSince({ from, to }: ResolveMany): string {
  const started = `StartTime BETWEEN '${writable(from)}' AND '${writable(to)}'`;
  return `WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running' AND ${started}`;
}

const EARLIEST = new Date('0000-01-01T00:00:00Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

// Temporal reads RFC 3339, whose years have four digits: an offset can lead beyond them.
function writable(moment: Date): string {
  if (moment < EARLIEST) return EARLIEST.toISOString();
  return (moment > LATEST ? LATEST : moment).toISOString();
}

function waitingAt({ mcpServerId }: ResolveMany): string {
  const ofServer = canBeQuoted(mcpServerId) ? ` AND McpServerId = '${mcpServerId}'` : '';
  return `McpStepStatus = 'awaiting-input'${ofServer}`;
}

// Temporal's visibility undoes no escapes: such ids are told apart here alone.
function canBeQuoted(id: string): boolean {
  return !/['"\\]/.test(id);
}
