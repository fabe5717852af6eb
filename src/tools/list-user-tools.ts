/**
 * Lists a server's tools as one user sees them, for request handlers and to check edited arguments. Nothing here waits
 * for the user: a step does that.
 */

import { raceTimeout } from '../async/deadline.ts';
import type { CountedBytes } from '../async/memory-budget.ts';
import { accountMember } from '../contracts/accounts.ts';
import type {
  CredentialKey,
  CredentialVersions,
  KeyMissing,
  Misconfigured,
  ReauthRequired,
} from '../contracts/activities.ts';
import { type Renewals, refusalIsFinal } from '../contracts/renewals.ts';
import type { ToolDescription } from '../contracts/step.ts';
import {
  type AccessDependencies,
  OPERATOR_CREDENTIAL_REFUSED,
  type ReadyAccess,
  readAccess,
} from '../credentials/access.ts';
import { markTokenRejected } from '../credentials/refresh/refusal-store.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import type { RenewalOutcome } from '../credentials/refresh/renewal-outcome.ts';
import type { Logger } from '../logging/logger.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { ListToolsOptions, ListToolsOutcome, McpFailure, McpPort } from '../mcp/port.ts';

export type ListUserToolsOutcome =
  /** `unavailable`: the MCP server did not answer in time, or not at all. */
  | Extract<ListToolsOutcome, { kind: 'unavailable' | 'failed' }>
  /** `paused`: an admin has paused the server, so calls wait. Lists are read all the same. */
  | { kind: 'listed'; tools: ToolDescription[]; paused?: true }
  | InsufficientScope
  | { kind: 'unknown-server' }
  /** Also after a 401 that one renewal did not cure. */
  | ReauthRequired
  /** The access token is due and can't be renewed now. */
  | { kind: 'token-endpoint-unavailable'; retryAfterMs?: number }
  | KeyMissing
  | Omit<Misconfigured, 'clientRefused'>;

export interface InsufficientScope {
  kind: 'insufficient-scope';
  challengedScopes: string[];
  /** What a consent of the user's has to cover. Absent: the credential is the operator's. */
  consent?: {
    seen: CredentialVersions;
    /** The granted and the challenged scopes. */
    requiredScopes: string[];
    /** What the consent of the refused credential was asked for. Absent: it is unknown. */
    requestedScopes?: string[];
  };
}

export interface ListUserToolsDependencies extends AccessDependencies {
  mcp: McpPort;
  renewal: Renewal;
  logger?: Pick<Logger, 'warn'>;
  /** The memory budget of the request that needs the list. */
  counted?: Pick<CountedBytes, 'signal' | 'received'> | undefined;
}

const TIMEOUT_MS = 15_000;

type Attempt =
  | { kind: 'done'; outcome: ListUserToolsOutcome }
  /** `refused`: the server answered 401; else the token was due. */
  | { kind: 'renew'; refused: boolean; seen: CredentialVersions };

/** Lists the tools with at most one renewal of the token, within 15 s. */
export async function listUserTools(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
): Promise<ListUserToolsOutcome> {
  const deadline = performance.now() + TIMEOUT_MS;
  const first = await attempt(deps, key, deadline, {});
  if (first.kind === 'done') return first.outcome;
  const renewed = await renewUntil(deadline, deps, key, first.seen);
  if (renewed.kind !== 'renewed') return outcomeOfRenewal(renewed);
  const renewals: Renewals = {
    justRenewed: renewed.versions.tokenVersion,
    ...(first.refused && { renewedAfterRefusal: first.seen.credentialVersion }),
  };
  const second = await attempt(deps, key, deadline, renewals);
  if (second.kind === 'done') return second.outcome;
  return second.refused && refusalIsFinal(second, renewals)
    ? tokenRejected(deps, key, second.seen)
    : { kind: 'token-endpoint-unavailable' };
}

// `markTokenRejected` leaves the connection alone if the token is due by now or was replaced meanwhile: then the refusal
// says nothing about the grant. An expired token is always due.
async function tokenRejected(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<ListUserToolsOutcome> {
  await markTokenRejected(deps.db, key, seen);
  const access = await readAccess(deps, key, seen.tokenVersion);
  return access.kind === 'ready' || access.kind === 'token-stale'
    ? { kind: 'token-endpoint-unavailable' }
    : access;
}

async function attempt(
  deps: ListUserToolsDependencies,
  key: CredentialKey,
  deadline: number,
  { justRenewed }: Renewals,
): Promise<Attempt> {
  const access = await readAccess(deps, key, justRenewed);
  if (access.kind === 'token-stale') return { kind: 'renew', seen: access.seen, refused: false };
  if (access.kind !== 'ready') return { kind: 'done', outcome: access };
  const options = { ...readingOptions(deps), timeoutMs: msUntil(deadline) };
  const outcome = await deps.mcp.listTools(mcpTarget(key, access), options);
  if (outcome.kind === 'token-stale') return { kind: 'renew', seen: access.versions, refused: false };
  if (outcome.kind === 'failed') report(deps, key, outcome);
  if (outcome.kind === 'listed' && access.server.paused)
    return { kind: 'done', outcome: { ...outcome, paused: true } };
  if (outcome.kind === 'insufficient-scope')
    return { kind: 'done', outcome: await withConsent(outcome, access) };
  if (outcome.kind !== 'unauthorized') return { kind: 'done', outcome };
  return access.server.auth.type === 'oauth2'
    ? { kind: 'renew', refused: true, seen: access.versions }
    : {
        kind: 'done',
        outcome: { kind: 'misconfigured', message: OPERATOR_CREDENTIAL_REFUSED },
      };
}

async function withConsent(
  { kind, challengedScopes }: Extract<ListToolsOutcome, { kind: 'insufficient-scope' }>,
  access: ReadyAccess,
): Promise<InsufficientScope> {
  if (access.server.auth.type !== 'oauth2') return { kind, challengedScopes };
  const requestedScopes = await access.requestedScopes?.();
  const consent = {
    seen: access.versions,
    // Consent to the challenged scopes alone would revoke the granted ones.
    requiredScopes: [...new Set([...access.grantedScopes, ...challengedScopes])],
    ...(requestedScopes && { requestedScopes }),
  };
  return { kind, challengedScopes, consent };
}

function readingOptions({ counted }: ListUserToolsDependencies): Omit<ListToolsOptions, 'timeoutMs'> {
  if (counted === undefined) return {};
  return { signal: counted.signal, received: (bytes) => counted.received(bytes) };
}

/** Logs what was seen, for the operator. The caller is only told what concerns the user. */
function report(
  { logger }: ListUserToolsDependencies,
  { mcpServerId, account }: CredentialKey,
  { code, operatorMessage }: McpFailure,
): void {
  const fields = { mcpServerId, ...accountMember(account), code, operatorMessage };
  logger?.warn(fields, 'tools could not be listed');
}

// Only the wait ends at the deadline: a renewal that has begun continues without it.
async function renewUntil(
  deadline: number,
  { renewal }: ListUserToolsDependencies,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<RenewalOutcome> {
  const busy: RenewalOutcome = { kind: 'busy' };
  for (;;) {
    const limit = { ms: msUntil(deadline), ref: false };
    const outcome = await raceTimeout(limit, renewal.renew(key, seen), () => busy);
    if (outcome.kind !== 'busy' || performance.now() >= deadline) return outcome;
  }
}

function outcomeOfRenewal(outcome: Exclude<RenewalOutcome, { kind: 'renewed' }>): ListUserToolsOutcome {
  switch (outcome.kind) {
    case 'reauth-required':
    case 'key-missing':
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

function msUntil(deadline: number): number {
  return Math.max(Math.round(deadline - performance.now()), 1);
}
