import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { accountMember, credentialKey } from '../contracts/accounts.ts';
import type {
  CredentialKey,
  InvokeToolInput,
  InvokeToolOutcome,
  ProgressNote,
} from '../contracts/activities.ts';
import { backoffMs } from '../contracts/backoff.ts';
import { MAX_TIMEOUTS_MS } from '../contracts/durations.ts';
import type { ToolResult } from '../contracts/step.ts';
import { type ReadyAccess, readStepAccess } from '../credentials/access.ts';
import { freshToken } from '../credentials/refresh/fresh-token.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import { isDatabaseFault } from '../db/database-errors.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { CallToolOutcome, McpFailure, McpPort, McpTarget, ToolCall } from '../mcp/port.ts';
import { keepResult, writeResult } from '../results/keep-result.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { Vault } from '../vault/vault.ts';
import { callingWorkflowId, heartbeating } from './activity-context.ts';
import type { CallLimits } from './call-limits.ts';
import type { CallPlaces } from './call-places.ts';
import { collectProgress } from './collect-progress.ts';
import { obstacleOfAccess, obstacleOfRefusal, storeUnavailable, tooManyCalls } from './obstacle.ts';

export interface InvokeToolDependencies {
  db: Db;
  vault: Vault;
  renewal: Renewal;
  mcp: McpPort;
  logger: Logger;
  limits: CallLimits;
  places: CallPlaces;
}

type Deps = InvokeToolDependencies & { turns: Turns };

/** A completed attempt: what is needed to turn the port's outcome into the activity's. */
interface Attempted {
  input: InvokeToolInput;
  access: ReadyAccess;
  outcome: CallToolOutcome;
  progress: ProgressNote[];
}

const HISTORY_RESTORED: InvokeToolOutcome = { kind: 'lost', cause: 'history-restored' };
const STORE_BACKOFF = { firstMs: 100, maxMs: 2_000 };

/**
 * Calls the tool once with the stored access token. Never throws, not even on shutdown or cancellation: a failure
 * before the call is `not-sent`, a later one is `lost`.
 */
export function createInvokeTool(given: InvokeToolDependencies) {
  const deps: Deps = { ...given, turns: createTurns() };
  return async function invokeTool(input: InvokeToolInput): Promise<InvokeToolOutcome> {
    const room = await deps.limits.calls.enter(input);
    if (room.kind === 'full') return tooManyCalls(room.retryAfterMs);
    return attempt(deps, input).finally(room.release);
  };
}

function attempt(deps: Deps, input: InvokeToolInput): Promise<InvokeToolOutcome> {
  return withAccess(deps, input, (access) => {
    const { maxConcurrentCalls } = access.server;
    if (maxConcurrentCalls === undefined) return callTool(deps, input, access);
    return callInPlace(deps, input, access, maxConcurrentCalls);
  });
}

/** Reads what to call with, unless this call may have been made already. */
async function withAccess(
  deps: Deps,
  input: InvokeToolInput,
  call: (access: ReadyAccess) => Promise<InvokeToolOutcome>,
): Promise<InvokeToolOutcome> {
  const access = await readStepAccess(deps, credentialKey(input), input.justRenewed).catch(
    (error: unknown) => {
      deps.logger.error({ err: error, activity: 'invokeTool' }, 'the credential could not be read');
      return undefined;
    },
  );
  if (access === undefined) return storeUnavailable();
  if (access.kind !== 'ready') return obstacleOfAccess(access);
  // Also before the wait for a place: a call that finds none is scheduled again, and would then be taken for a new one.
  return wasScheduledBeforeRestore(access) ? HISTORY_RESTORED : call(access);
}

/**
 * Calls in one of the server's places. A call that waited for its place reads again what to call with: the credential and
 * the registration may have changed meanwhile.
 */
async function callInPlace(
  deps: Deps,
  input: InvokeToolInput,
  read: ReadyAccess,
  limit: number,
): Promise<InvokeToolOutcome> {
  // Without heartbeats, Temporal would give up a call that waits for a slow database, and take it for lost.
  const place = await heartbeating(() => deps.places.enter(input.mcpServerId, limit)).catch(
    (error: unknown) => {
      deps.logger.error({ err: error, activity: 'invokeTool' }, 'no place for the call could be taken');
      return undefined;
    },
  );
  if (place === undefined) return storeUnavailable();
  if (place.kind === 'full') return tooManyCalls(place.retryAfterMs);
  const call = (access: ReadyAccess) => callTool(deps, input, access);
  try {
    return await (place.waited ? withAccess(deps, input, call) : call(read));
  } finally {
    // The call's outcome does not wait for the database.
    place.release();
  }
}

// Temporal was restored from a backup in which this call waited for a worker. A worker may have made the call after
// the backup, in the history that is lost.
function wasScheduledBeforeRestore({ temporalRestoredAt }: ReadyAccess): boolean {
  const { currentAttemptScheduledTimestampMs: scheduledAt } = Context.current().info;
  return temporalRestoredAt !== undefined && scheduledAt < temporalRestoredAt.getTime();
}

async function callTool(deps: Deps, input: InvokeToolInput, access: ReadyAccess): Promise<InvokeToolOutcome> {
  const collected = collectProgress();
  try {
    return await heartbeating(async () => {
      const call = { ...callOf(input), onProgress: collected.onProgress };
      const outcome = await deps.mcp.callTool(targetOf(deps, credentialKey(input), access), call);
      return await toInvokeToolOutcome(deps, { input, access, outcome, progress: collected.notes });
    }, collected.latest);
  } catch (error) {
    deps.logger.error({ err: error, activity: 'invokeTool' }, 'the call failed unexpectedly');
    return { kind: 'lost', cause: 'unexpected' };
  }
}

function targetOf(deps: Deps, key: CredentialKey, access: ReadyAccess): McpTarget {
  const fresh = () => freshToken(deps, key, access.versions);
  return { ...mcpTarget(key, access), freshToken: fresh };
}

function callOf(input: InvokeToolInput): ToolCall {
  return {
    tool: input.tool,
    arguments: input.arguments,
    idempotencyKey: input.idempotencyKey,
    inactivityTimeoutMs: input.inactivityTimeoutMs,
    ceilingMs: MAX_TIMEOUTS_MS.call,
    signal: Context.current().cancellationSignal,
  };
}

async function toInvokeToolOutcome(deps: Deps, attempted: Attempted): Promise<InvokeToolOutcome> {
  const { access, outcome } = attempted;
  switch (outcome.kind) {
    case 'unauthorized':
    case 'insufficient-scope':
      return obstacleOfRefusal(outcome, access);
    case 'token-stale':
      return { kind: 'token-stale', seen: access.versions };
    case 'completed':
      return completed(deps, attempted, outcome);
    case 'failed':
      logFailure(deps, attempted.input, outcome);
      return outcome;
    case 'not-sent':
    case 'lost':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

async function completed(
  deps: Deps,
  { input, progress }: Attempted,
  outcome: Extract<CallToolOutcome, { kind: 'completed' }>,
): Promise<InvokeToolOutcome> {
  const owner = { ...credentialKey(input), workflowId: callingWorkflowId() };
  const written = await writeResult(deps.turns, outcome.result);
  const result = await storeWithRetry(deps, () => keepResult(deps, owner, written));
  if (result === undefined) return { kind: 'lost', cause: 'result-not-stored' };
  return { ...outcome, result, ...(progress.length > 0 && { progress }) };
}

function logFailure(
  { logger }: Deps,
  { mcpServerId, account }: InvokeToolInput,
  { code, operatorMessage }: McpFailure,
): void {
  const workflowId = callingWorkflowId();
  const fields = { mcpServerId, ...accountMember(account), workflowId, code, operatorMessage };
  logger.warn(fields, 'a call failed');
}

// The tool has run, so an outage of the database must not lose its result: retries until the worker's shutdown
// cancels the activity at the end of the grace period. An error that is not an outage would fail again, so it is not
// retried.
async function storeWithRetry(
  { logger }: InvokeToolDependencies,
  store: () => Promise<ToolResult>,
): Promise<ToolResult | undefined> {
  const context = Context.current();
  for (let retries = 0; ; retries++) {
    try {
      return await store();
    } catch (error) {
      if (!isDatabaseFault(error)) {
        logger.error({ err: error, activity: 'invokeTool' }, 'the result can never be stored');
        return undefined;
      }
      logger.error({ err: error, activity: 'invokeTool' }, 'the result could not be stored yet');
      if (context.cancellationDetails?.workerShutdown) return undefined;
      await delay(backoffMs(STORE_BACKOFF, retries));
    }
  }
}
