import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { type ResolveStep, resolve } from '../contracts/messages.ts';
import { mcpServerIdAttribute } from '../contracts/search-attributes.ts';
import { listPages, type RawExecution, readableExecutionInfo } from '../temporal/visibility.ts';
import { serverCondition } from './find-steps.ts';
import { type DecisionOutcome, sendDecision } from './send-decision.ts';
import { startedAs } from './step-identity.ts';
import { statusOf } from './step-summary.ts';

/** Selects steps of one server, of all users, and says how to resolve them. */
export interface ResolveMany {
  mcpServerId: string;
  /** When the steps were started; both ends are included. */
  from: Date;
  to: Date;
  resolution: ResolveStep;
}

/** How many steps were resolved, did not wait for a resolution, and could not be resolved. */
export interface ResolvedMany {
  resolved: number;
  skipped: number;
  failed: number;
}

/** The steps of one page are resolved at the same time. */
const PAGE_SIZE = 25;
const NO_WORKER = 'no-worker';

type OutcomeKind = DecisionOutcome['kind'];

const COUNTED_AS: Record<OutcomeKind, keyof ResolvedMany> = {
  applied: 'resolved',
  'not-waiting': 'skipped',
  'not-found': 'skipped',
  invalid: 'failed',
  unchecked: 'failed',
  'too-many': 'failed',
  'no-worker': 'failed',
};

/**
 * Resolves every step of a server that was started within a time span and waits with `outcome-unknown`. Temporal's
 * visibility lags by about a second: a step that paused just now may be missed, and the next call finds it. Once no
 * worker answers for a whole page, the remaining steps count as failed without being tried.
 */
export async function resolveMany(
  client: Client,
  many: ResolveMany & { by?: string | undefined },
): Promise<ResolvedMany> {
  const counts: ResolvedMany = { resolved: 0, skipped: 0, failed: 0 };
  let isAnswered = true;
  for await (const workflowIds of waitingSteps(client, many)) {
    const kinds: OutcomeKind[] = isAnswered
      ? await resolveAll(client, workflowIds, many)
      : workflowIds.map(() => NO_WORKER);
    for (const kind of kinds) counts[COUNTED_AS[kind]] += 1;
    isAnswered = workflowIds.length === 0 ? isAnswered : kinds.some((kind) => kind !== NO_WORKER);
  }
  return counts;
}

async function resolveAll(
  client: Client,
  workflowIds: string[],
  { resolution, by }: ResolveMany & { by?: string | undefined },
): Promise<OutcomeKind[]> {
  const outcomes = await Promise.all(
    workflowIds.map((workflowId) =>
      sendDecision(client, { workflowId, update: resolve, message: resolution, by }),
    ),
  );
  return outcomes.map(({ kind }) => kind);
}

async function* waitingSteps(client: Client, many: ResolveMany): AsyncGenerator<string[]> {
  const open = openSteps(many);
  const query = {
    query: `${open} AND ${waitingAt(many)}`,
    withoutAttributes: open,
    pageSize: PAGE_SIZE,
  };
  for await (const executions of listPages(client, query)) {
    const matching = await mapConcurrently(executions, (raw) => ifMatching(client, many, raw));
    yield matching.filter((workflowId) => workflowId !== undefined);
  }
}

// Checks exactly: visibility may compare without case, and finds more if the namespace lacks the search attributes.
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

function openSteps({ from, to }: ResolveMany): string {
  const started = `StartTime BETWEEN '${rfc3339(from)}' AND '${rfc3339(to)}'`;
  return `WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running' AND ${started}`;
}

const EARLIEST = new Date('0000-01-01T00:00:00Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

// Temporal reads RFC 3339, whose years have four digits. An offset can lead to a year beyond them.
function rfc3339(moment: Date): string {
  if (moment < EARLIEST) return EARLIEST.toISOString();
  return (moment > LATEST ? LATEST : moment).toISOString();
}

function waitingAt({ mcpServerId }: ResolveMany): string {
  // Without a condition, `ifMatching` alone selects the steps of the server.
  return ["McpStepStatus = 'awaiting-input'", ...serverCondition(mcpServerId)].join(' AND ');
}
