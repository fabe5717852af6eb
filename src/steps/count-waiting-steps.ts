import type { Client } from '@temporalio/client';
import type { AwaitingInputReason } from '../contracts/step.ts';
import { countWaiters } from '../credentials/waiters/count-waiters.ts';
import type { Db } from '../db/pool.ts';
import { listPausedServers } from '../servers/server-switch.ts';
import type { WaitingCounts } from '../telemetry/metrics/metrics.ts';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';
import { listPages, readableExecutionInfo } from '../temporal/visibility.ts';
import { canBeQuoted } from './open-steps-of-server.ts';
import { awaitingInputReasonOf } from './step-summary.ts';

const OPEN_STEPS = "WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running'";
const PAUSED_STEPS = `${OPEN_STEPS} AND McpStepStatus = 'awaiting-input'`;
const PAGE_SIZE = 1_000;
const MAX_LISTED = 10_000;

/** The reasons that Postgres knows nothing of. */
const BY_DECISION = ['needs-approval', 'outcome-unknown'] as const satisfies AwaitingInputReason[];
type ByDecision = (typeof BY_DECISION)[number];

/**
 * Counts the steps of all users that wait now. Those that wait for a deposit are in Postgres; a step that was terminated
 * is counted until its waiter is removed. The others are listed by Temporal's visibility, which lags by about a
 * second: at most the 10,000 paused steps that it lists first. In a namespace without the search attributes these are not known.
 *
 * @throws TemporalUnavailable, or an error of the database
 */
export async function countWaitingSteps(deps: { db: Db; client: Client }): Promise<WaitingCounts> {
  const [waiters, decisions, ofPausedServers] = await Promise.all([
    countWaiters(deps.db),
    knownOf(() => countDecisions(deps.client)),
    knownOf(() => countOfPausedServers(deps)),
  ]);
  return {
    'needs-oauth-reauth': waiters.forReauth,
    'needs-oauth-scope': waiters.forScope,
    ...decisions,
    ...(ofPausedServers !== undefined && { 'server-paused': ofPausedServers }),
  };
}

async function countDecisions(client: Client): Promise<Record<ByDecision, number>> {
  const counts = { 'needs-approval': 0, 'outcome-unknown': 0 };
  if ((await count(client, PAUSED_STEPS)) === 0) return counts;
  let listed = 0;
  for await (const executions of listPages(client, { query: PAUSED_STEPS, pageSize: PAGE_SIZE })) {
    for (const raw of executions) {
      const reason = awaitingInputReasonOf(await readableExecutionInfo(client, raw));
      if (isByDecision(reason)) counts[reason] += 1;
    }
    listed += executions.length;
    if (listed >= MAX_LISTED) break;
  }
  return counts;
}

async function countOfPausedServers({ db, client }: { db: Db; client: Client }): Promise<number> {
  const servers = (await listPausedServers(db)).filter(canBeQuoted);
  if (servers.length === 0) return 0;
  const names = servers.map((id) => `'${id}'`).join(', ');
  return count(client, `${OPEN_STEPS} AND McpStepStatus = 'running' AND McpServerId IN (${names})`);
}

async function count(client: Client, query: string): Promise<number> {
  return (await temporalCall(client, () => client.workflow.count(query))).count;
}

/** Undefined if the namespace lacks the search attributes. */
async function knownOf<T>(ask: () => Promise<T>): Promise<T | undefined> {
  return ask().catch((error: unknown) => {
    if (isInvalidArgument(error)) return undefined;
    throw error;
  });
}

function isByDecision(reason: AwaitingInputReason | undefined): reason is ByDecision {
  return BY_DECISION.some((one) => one === reason);
}
