import type { ConnectionReason, StepErrorCode, ToolAnnotations, ToolResult } from './step.ts';
import type { CredentialVersions } from './versions.ts';
import type { DeliverWebhookOutcome, WebhookEvent } from './webhooks.ts';

/** The user and server whose credential an activity is about. */
export interface CredentialKey {
  userId: string;
  mcpServerId: string;
}

export interface InvokeToolInput extends CredentialKey {
  tool: string;
  arguments: Record<string, unknown>;
  /** The same on every attempt of a step; travels as `_meta["latchkey/idempotency-key"]`. */
  idempotencyKey: string;
  /** The call is given up after so long without a sign of life from the server (progress resets it). */
  inactivityTimeoutMs: number;
  /** The token version that this step has just renewed: used once however soon it expires. */
  justRenewed?: number;
}

/**
 * What came of a tool call. `invokeTool` throws none of this. Every kind carries the versions that the
 * store reported, so that the workflow never believes a signal over the store.
 */
export type InvokeToolOutcome =
  | { kind: 'completed'; isError: boolean; result: ToolResult; progress?: ProgressNote[] }
  /** Not called: the stored access token is missing or about to expire. */
  | { kind: 'token-stale'; seen: CredentialVersions }
  /** Not called: only the user can help. */
  | { kind: 'reauth-required'; seen: CredentialVersions; reason: ConnectionReason | 'not-connected' }
  /** HTTP 401 at the MCP server, judged by the transport's status alone. */
  | { kind: 'unauthorized'; seen: CredentialVersions }
  /**
   * HTTP 403 with a challenge `insufficient_scope` (RFC 6750 §3.1). `requiredScopes` is what consent must
   * cover: what was granted before and what is challenged now.
   */
  | {
      kind: 'insufficient-scope';
      seen: CredentialVersions;
      challengedScopes: string[];
      requiredScopes: string[];
    }
  /** Not called: this worker lacks an encryption key. One that is on its way, or another worker, may have it. */
  | { kind: 'key-missing'; kid: string }
  /** No byte of the call left this process, or the server refused to start it: safe to repeat. */
  | { kind: 'not-sent'; cause: string; retryAfterMs?: number }
  /** Sent, and no answer came: the tool may or may not have run. */
  | { kind: 'lost'; cause: string }
  /**
   * Over: repeating it would not help. `message` is for the user; `operatorMessage` stays in history and logs;
   * `serverMessage` are the server's words, for the user, never for a log.
   */
  | {
      kind: 'failed';
      code: StepErrorCode;
      message: string;
      operatorMessage?: string;
      serverMessage?: string;
    };

/** What the server said of a long call on its way. MCP 2025-11-25, basic/utilities/progress. */
export interface ProgressNote {
  /** ISO 8601, UTC. */
  at: string;
  progress: number;
  total?: number;
  message?: string;
}

/** What keeps an attempt from its answer; the same whether it calls a tool or only asks about it. */
export type Obstacle = Exclude<InvokeToolOutcome, { kind: 'completed' | 'lost' }>;

export interface DescribeToolInput extends CredentialKey {
  tool: string;
  justRenewed?: number;
}

export type DescribeToolOutcome =
  /** What a trusted server says of its tool; nothing where the server is not trusted, and none is asked. */
  { kind: 'described'; annotations?: ToolAnnotations } | Obstacle;

export interface CheckArgumentsInput extends CredentialKey {
  tool: string;
  arguments: Record<string, unknown>;
}

export type CheckArgumentsOutcome =
  | { kind: 'valid' }
  | { kind: 'invalid'; message: string }
  /** The tool's schema can't be had now. */
  | { kind: 'unchecked'; message: string };

export interface RefreshTokenInput extends CredentialKey {
  /** The versions whose token was stale or refused. */
  seen: CredentialVersions;
}

export type RefreshTokenOutcome =
  /** A newer token than `seen` is stored, whoever fetched it. */
  | { kind: 'renewed'; versions: CredentialVersions }
  | { kind: 'reauth-required'; seen: CredentialVersions; reason: ConnectionReason | 'not-connected' }
  /** This worker lacks an encryption key. One that is on its way, or another worker, may have it. */
  | { kind: 'key-missing'; kid: string }
  /**
   * Only the operator can help.
   *
   * @property clientRefused the operator's client is refused, in this word: it may be mended while steps wait. A
   *   workflow of before, which does not know it, ends its step.
   */
  | { kind: 'misconfigured'; message: string; clientRefused?: string };

export interface RegisterWaiterInput extends CredentialKey {
  stepId: string;
  /** What the step saw before it decided to wait. */
  seen: CredentialVersions;
  /** The access token of `seen` was refused although it had just been renewed. */
  tokenRejected: boolean;
}

export interface RegisterWaiterOutcome {
  /** False when the credential has moved past `seen`, or ran out: look again instead of waiting. */
  wait: boolean;
  /** The refused token's time was over before it was used: it is to be renewed, and no reason to ask the user. */
  ranOut?: boolean;
  connectUrl: string;
}

export interface ResumeStepsInput extends CredentialKey {
  version: number;
}

export interface SignalWaitersOutcome {
  signalled: number;
  /** Waiters are left: call again. */
  more: boolean;
}

/** How many rows went because their time was over. */
export interface DeletedRows {
  /** Grants that could not be revoked in time; of them the row stays. */
  revocations: number;
  results: number;
  connectionEvents: number;
  tombstones: number;
  auditEvents: number;
  waiters: number;
}

export interface RenewIdleGrantsInput {
  mcpServerId: string;
}

/** What became of a server's grants that were near its idle limit. */
export interface IdleRenewals {
  renewed: number;
  /** The authorization server had forgotten them already, or they can't be used any more. */
  reauthRequired: number;
  /** To be tried again: the authorization server is away, another renewal is under way, or the operator must help. */
  postponed: number;
}

/** The activities by their Temporal names. */
export interface LatchkeyActivities {
  invokeTool(input: InvokeToolInput): Promise<InvokeToolOutcome>;
  describeTool(input: DescribeToolInput): Promise<DescribeToolOutcome>;
  checkArguments(input: CheckArgumentsInput): Promise<CheckArgumentsOutcome>;
  refreshToken(input: RefreshTokenInput): Promise<RefreshTokenOutcome>;
  registerWaiter(input: RegisterWaiterInput): Promise<RegisterWaiterOutcome>;
  removeWaiter(): Promise<void>;
  signalWaiters(input: ResumeStepsInput): Promise<SignalWaitersOutcome>;
  startLostWork(): Promise<{ resumptions: number; revocations: number }>;
  revokeGrant(input: CredentialKey): Promise<void>;
  listServersWithIdleGrants(input: { after: string }): Promise<string[]>;
  renewIdleGrants(input: RenewIdleGrantsInput): Promise<IdleRenewals>;
  deleteExpired(): Promise<DeletedRows>;
  deliverWebhook(event: WebhookEvent): Promise<DeliverWebhookOutcome>;
}
