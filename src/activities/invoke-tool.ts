import { Context } from '@temporalio/activity';
import type { InvokeToolInput, InvokeToolOutcome } from '../contracts/activities.ts';
import { MAX_TIMEOUTS_MS } from '../contracts/durations.ts';
import { type Access, readAccess } from '../credentials/access.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import type { CallToolOutcome, McpPort } from '../mcp/mcp-port.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { Vault } from '../vault/vault.ts';
import { heartbeating } from './heartbeating.ts';

export interface InvokeToolDependencies {
  db: Db;
  vault: Vault;
  mcp: McpPort;
  logger: Logger;
}

type ReadyAccess = Extract<Access, { kind: 'ready' }>;

/**
 * Calls the tool once with the stored access token. Throws nothing: what fails before the call is `not-sent`,
 * what fails after it is `lost`, on shutdown and cancellation too.
 */
export function createInvokeTool(deps: InvokeToolDependencies) {
  return async function invokeTool(input: InvokeToolInput): Promise<InvokeToolOutcome> {
    const access = await readAccess(deps, input, input.justRenewed).catch((error: unknown) => {
      deps.logger.error({ err: error, activity: 'invokeTool' }, 'the credential could not be read');
      return undefined;
    });
    if (access === undefined) return { kind: 'not-sent', cause: 'store-unavailable' };
    return access.kind === 'ready' ? callTool(deps, input, access) : withoutAccess(access);
  };
}

function withoutAccess(access: Exclude<Access, ReadyAccess>): InvokeToolOutcome {
  switch (access.kind) {
    case 'token-stale':
    case 'reauth-required':
      return access;
    case 'unknown-server':
      return { kind: 'failed', code: 'misconfigured', message: 'the MCP server is not registered' };
    case 'key-missing':
    case 'misconfigured':
      return { kind: 'failed', code: 'misconfigured', message: access.message };
    default:
      return access satisfies never;
  }
}

async function callTool(
  deps: InvokeToolDependencies,
  input: InvokeToolInput,
  access: ReadyAccess,
): Promise<InvokeToolOutcome> {
  try {
    const outcome = await heartbeating(() =>
      deps.mcp.callTool(mcpTarget(input.userId, access), callOf(input)),
    );
    return whatItMeans(outcome, access);
  } catch (error) {
    deps.logger.error({ err: error, activity: 'invokeTool' }, 'the call failed unexpectedly');
    return { kind: 'lost', cause: 'unexpected' };
  }
}

function callOf(input: InvokeToolInput) {
  return {
    tool: input.tool,
    arguments: input.arguments,
    idempotencyKey: input.idempotencyKey,
    inactivityTimeoutMs: input.inactivityTimeoutMs,
    ceilingMs: MAX_TIMEOUTS_MS.call,
    signal: Context.current().cancellationSignal,
  };
}

function whatItMeans(outcome: CallToolOutcome, { server, versions }: ReadyAccess): InvokeToolOutcome {
  switch (outcome.kind) {
    case 'unauthorized':
      return server.auth.type === 'oauth2' ? { kind: 'unauthorized', seen: versions } : staticTokenRefused();
    case 'insufficient-scope':
      return { ...outcome, seen: versions };
    default:
      return outcome;
  }
}

// No user can help here, so none is asked.
function staticTokenRefused(): InvokeToolOutcome {
  return {
    kind: 'failed',
    code: 'misconfigured',
    message: "the MCP server refuses the operator's credential",
  };
}
