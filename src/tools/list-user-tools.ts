import { setTimeout as delay } from 'node:timers/promises';
import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionReason, ToolDescription } from '../contracts/step.ts';
import type { CredentialVersions } from '../contracts/versions.ts';
import {
  type Access,
  type AccessDependencies,
  OPERATOR_CREDENTIAL_REFUSED,
  type ReadyAccess,
  readAccess,
} from '../credentials/access.ts';
import { markTokenRejected } from '../credentials/lease-store.ts';
import type { Renewal } from '../credentials/renewal.ts';
import type { RenewalOutcome } from '../credentials/renewal-outcome.ts';
import type { Logger } from '../logger.ts';
import type { FailureCause, ListToolsOptions, McpFailure, McpPort } from '../mcp/mcp-port.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { ListReading } from './list-budget.ts';

/** What came of listing a server's tools for one user. */
export type ListUserToolsOutcome =
  | { kind: 'listed'; tools: ToolDescription[] }
  | { kind: 'unknown-server' }
  /** Also after a 401 that one renewal did not cure. */
  | { kind: 'reauth-required'; reason: ConnectionReason | 'not-connected' }
  /** RFC 6750 §3.1 `insufficient_scope`. */
  | { kind: 'insufficient-scope'; requiredScopes: string[] }
  /** The MCP server did not answer in time, or not at all. */
  | { kind: 'unavailable'; cause: FailureCause; retryAfterMs?: number }
  /** The access token is due and the authorization server can't be reached. */
  | { kind: 'token-endpoint-unavailable'; retryAfterMs?: number }
  /** It may be on its way to this process. */
  | { kind: 'encryption-key-missing'; kid: string }
  /** Only the operator can help. */
  | { kind: 'misconfigured'; message: string }
  | McpFailure;

export interface ListUserToolsDependencies extends AccessDependencies {
  mcp: McpPort;
  renewal: Renewal;
  logger?: Pick<Logger, 'warn'>;
  /** Of the request that the list is for: what it may read. */
  reading?: Pick<ListReading, 'signal' | 'received'> | undefined;
}

const WITHIN_MS = 15_000;

type Attempt =
  | { kind: 'done'; outcome: ListUserToolsOutcome }
  | { kind: 'renew'; seen: CredentialVersions; refused: boolean };

/**
 * Lists a server's tools as one user sees them, with at most one renewal of the token, within 15 s. Nothing
 * here waits for the user: a step does that.
 */
export async function listUserTools(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
): Promise<ListUserToolsOutcome> {
  const deadline = performance.now() + WITHIN_MS;
  const first = await attempt(deps, key, deadline);
  if (first.kind === 'done') return first.outcome;
  const renewed = await renewBy(deps, key, first.seen, deadline);
  if (renewed.kind !== 'renewed') return withoutToken(renewed);
  const second = await attempt(deps, key, deadline, renewed.versions.tokenVersion);
  if (second.kind === 'done') return second.outcome;
  return second.refused ? rejected(deps, key, second.seen) : { kind: 'token-endpoint-unavailable' };
}

// Where the token's time was over before it was used, or another has taken its place, that is no verdict.
async function rejected(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<ListUserToolsOutcome> {
  await markTokenRejected(deps.db, key, seen);
  const access = await readAccess(deps, key, seen.tokenVersion);
  return access.kind === 'ready' || access.kind === 'token-stale'
    ? { kind: 'token-endpoint-unavailable' }
    : withoutAccess(access);
}

async function attempt(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
  deadline: number,
  justRenewed?: number,
): Promise<Attempt> {
  const access = await readAccess(deps, key, justRenewed);
  if (access.kind === 'token-stale') return { kind: 'renew', seen: access.seen, refused: false };
  if (access.kind !== 'ready') return { kind: 'done', outcome: withoutAccess(access) };
  const options = { ...readingOptions(deps), timeoutMs: left(deadline) };
  const outcome = await deps.mcp.listTools(mcpTarget(key.userId, access), options);
  if (outcome.kind === 'token-due') return { kind: 'renew', seen: access.versions, refused: false };
  if (outcome.kind === 'failed') report(deps, key, outcome);
  if (outcome.kind !== 'unauthorized') return { kind: 'done', outcome };
  return access.server.auth.type === 'oauth2'
    ? { kind: 'renew', seen: access.versions, refused: true }
    : {
        kind: 'done',
        outcome: { kind: 'misconfigured', message: OPERATOR_CREDENTIAL_REFUSED },
      };
}

function readingOptions({ reading }: ListUserToolsDependencies): Omit<ListToolsOptions, 'timeoutMs'> {
  if (reading === undefined) return {};
  return { signal: reading.signal, received: (bytes) => reading.received(bytes) };
}

/** The caller is told what concerns the user; what was seen concerns the operator. */
function report(
  { logger }: ListUserToolsDependencies,
  { mcpServerId }: CredentialKey,
  { code, operatorMessage }: McpFailure,
): void {
  logger?.warn({ mcpServerId, code, operatorMessage }, 'tools could not be listed');
}

function withoutAccess(access: Exclude<Access, ReadyAccess | { kind: 'token-stale' }>): ListUserToolsOutcome {
  switch (access.kind) {
    case 'key-missing':
      return { kind: 'encryption-key-missing', kid: access.kid };
    case 'reauth-required':
      return { kind: 'reauth-required', reason: access.reason };
    default:
      return access;
  }
}

// A renewal once begun goes on by itself: only the wait for it ends.
async function renewBy(
  { renewal }: ListUserToolsDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
  deadline: number,
): Promise<RenewalOutcome> {
  const busy: RenewalOutcome = { kind: 'busy' };
  const tired = delay(left(deadline), busy, { ref: false });
  for (;;) {
    const outcome = await Promise.race([renewal.renew(key, seen), tired]);
    if (outcome.kind !== 'busy' || performance.now() >= deadline) return outcome;
  }
}

function withoutToken(outcome: Exclude<RenewalOutcome, { kind: 'renewed' }>): ListUserToolsOutcome {
  switch (outcome.kind) {
    case 'reauth-required':
      return { kind: 'reauth-required', reason: outcome.reason };
    case 'key-missing':
      return { kind: 'encryption-key-missing', kid: outcome.kid };
    case 'misconfigured':
      return outcome;
    case 'busy':
      return { kind: 'token-endpoint-unavailable' };
    case 'unavailable': {
      const { retryAfterMs } = outcome;
      return { kind: 'token-endpoint-unavailable', ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    default:
      return outcome satisfies never;
  }
}

function left(deadline: number): number {
  return Math.max(Math.round(deadline - performance.now()), 1);
}
