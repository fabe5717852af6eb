import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type {
  CredentialKey,
  InvokeToolInput,
  InvokeToolOutcome,
  ProgressNote,
} from '../contracts/activities.ts';
import { MAX_TIMEOUTS_MS } from '../contracts/durations.ts';
import type { ToolResult } from '../contracts/step.ts';
import { type ReadyAccess, readAccess } from '../credentials/access.ts';
import { freshToken } from '../credentials/refresh/fresh-token.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import { isDatabaseFault } from '../db/database-errors.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { CallToolOutcome, McpPort, McpTarget, ToolCall } from '../mcp/port.ts';
import { keepResult, writeResult } from '../results/keep-result.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { Vault } from '../vault/vault.ts';
import type { CallLimits } from './call-limits.ts';
import { callingWorkflowId } from './calling-workflow.ts';
import { collectProgress } from './collect-progress.ts';
import { heartbeating } from './heartbeating.ts';
import { obstacleOfAccess, obstacleOfRefusal, storeUnavailable, tooManyCalls } from './obstacle.ts';

export interface InvokeToolDependencies {
  db: Db;
  vault: Vault;
  renewal: Renewal;
  mcp: McpPort;
  logger: Logger;
  limits: CallLimits;
}

type Deps = InvokeToolDependencies & { turns: Turns };

const FIRST_STORE_RETRY_MS = 100;
const LONGEST_STORE_RETRY_MS = 2_000;

/**
 * Calls the tool once with the stored access token. Throws nothing: what fails before the call is `not-sent`,
 * what fails after it is `lost`, on shutdown and cancellation too.
 */
export function createInvokeTool(given: InvokeToolDependencies) {
  const deps: Deps = { ...given, turns: createTurns() };
  return async function invokeTool(input: InvokeToolInput): Promise<InvokeToolOutcome> {
    const room = await deps.limits.calls.enter(input);
    if (room.kind === 'full') return tooManyCalls(room.retryAfterMs);
    return attempt(deps, input).finally(room.release);
  };
}

async function attempt(deps: Deps, input: InvokeToolInput): Promise<InvokeToolOutcome> {
  const access = await readAccess(deps, keyOf(input), input.justRenewed).catch((error: unknown) => {
    deps.logger.error({ err: error, activity: 'invokeTool' }, 'the credential could not be read');
    return undefined;
  });
  if (access === undefined) return storeUnavailable();
  if (access.kind !== 'ready') return obstacleOfAccess(access);
  if (isOfALostTime(access)) return { kind: 'lost', cause: 'history-restored' };
  return callTool(deps, input, access);
}

// Temporal was restored from a backup, in which this call waited for a worker: one may have made it since.
function isOfALostTime({ callsLostBefore }: ReadyAccess): boolean {
  const { currentAttemptScheduledTimestampMs: scheduledAt } = Context.current().info;
  return callsLostBefore !== undefined && scheduledAt < callsLostBefore.getTime();
}

async function callTool(deps: Deps, input: InvokeToolInput, access: ReadyAccess): Promise<InvokeToolOutcome> {
  const heard = collectProgress();
  try {
    return await heartbeating(async () => {
      const call = { ...callOf(input), onProgress: heard.onProgress };
      const outcome = await deps.mcp.callTool(targetOf(deps, keyOf(input), access), call);
      return await whatItMeans(deps, input, access, outcome, heard.notes);
    }, heard.latest);
  } catch (error) {
    deps.logger.error({ err: error, activity: 'invokeTool' }, 'the call failed unexpectedly');
    return { kind: 'lost', cause: 'unexpected' };
  }
}

/** Without the arguments, which a session would hold on to together with its token. */
function keyOf({ userId, mcpServerId }: InvokeToolInput): CredentialKey {
  return { userId, mcpServerId };
}

function targetOf(deps: Deps, key: CredentialKey, access: ReadyAccess): McpTarget {
  const fresh = () => freshToken(deps, key, access.versions);
  return { ...mcpTarget(key.userId, access), freshToken: fresh };
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

async function whatItMeans(
  deps: Deps,
  { userId, mcpServerId }: InvokeToolInput,
  access: ReadyAccess,
  outcome: CallToolOutcome,
  progress: ProgressNote[],
): Promise<InvokeToolOutcome> {
  switch (outcome.kind) {
    case 'unauthorized':
    case 'insufficient-scope':
      return obstacleOfRefusal(outcome, access);
    case 'token-due':
      return { kind: 'token-stale', seen: access.versions };
    case 'completed': {
      const owner = { userId, mcpServerId, workflowId: callingWorkflowId() };
      const written = await writeResult(deps.turns, outcome.result);
      const result = await untilKept(deps, () => keepResult(deps, owner, written));
      if (result === undefined) return { kind: 'lost', cause: 'result-not-stored' };
      return { ...outcome, result, ...(progress.length > 0 && { progress }) };
    }
    case 'failed': {
      const { code, operatorMessage } = outcome;
      deps.logger.warn(
        { mcpServerId, workflowId: callingWorkflowId(), code, operatorMessage },
        'a call failed',
      );
      return outcome;
    }
    default:
      return outcome;
  }
}

// The tool has run: an outage of the database must not cost its answer, as long as this process lives. Told to
// end, and past its grace time, it says so instead of keeping the process from ending. What is not the database's
// fault fails again each time.
async function untilKept(
  { logger }: InvokeToolDependencies,
  keep: () => Promise<ToolResult>,
): Promise<ToolResult | undefined> {
  const context = Context.current();
  for (let pause = FIRST_STORE_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_STORE_RETRY_MS)) {
    try {
      return await keep();
    } catch (error) {
      if (!isDatabaseFault(error)) {
        logger.error({ err: error, activity: 'invokeTool' }, 'the result can not be stored');
        return undefined;
      }
      logger.error({ err: error, activity: 'invokeTool' }, 'the result could not be stored yet');
      if (context.cancellationDetails?.workerShutdown) return undefined;
      await delay(pause);
    }
  }
}
