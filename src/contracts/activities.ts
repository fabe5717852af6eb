/**
 * What workflows and activities exchange: input and outcome of every activity. Types and constants only; the workflow
 * bundle holds this file, so it imports nothing but other contracts. The kinds and fields are recorded in histories:
 * add to them, never rename.
 */
import type {
  DeletedRows,
  IdleRenewals,
  LostWork,
  RenewIdleGrantsInput,
  ServerResumption,
  SignalWaitersOutcome,
} from './background-activities.ts';
import type { ListDetail, ServerAccount } from './mcp-tools.ts';
import type {
  ConnectionReason,
  StepErrorCode,
  ToolAnnotations,
  ToolDescription,
  ToolResult,
} from './step.ts';
import type { ListFailure } from './tools-of-server.ts';
import type { DeliverWebhookOutcome, WebhookEvent } from './webhooks.ts';

/** The user, server and account whose credential an activity is about. */
export interface CredentialKey {
  userId: string;
  mcpServerId: string;
  /** Absent: `default`, which is never written out. See accounts.ts. */
  account?: string;
}

/**
 * The version of a stored credential. `credentialVersion` rises with every deposit and disconnect, `tokenVersion`
 * with every change of token. Neither ever falls or restarts. If no credential is stored, they are the values that
 * the first one will exceed: 0 in a fresh installation.
 */
export interface CredentialVersions {
  credentialVersion: number;
  tokenVersion: number;
}

/** Only the user can help. */
export interface ReauthRequired {
  kind: 'reauth-required';
  seen: CredentialVersions;
  reason: ConnectionReason | 'not-connected';
}

/** This process lacks an encryption key. The key may still be rolling out, or another process may have it. */
export interface KeyMissing {
  kind: 'key-missing';
  kid: string;
}

/** Only the operator can help. */
export interface Misconfigured {
  kind: 'misconfigured';
  message: string;
  /**
   * The authorization server refused the operator's client with this error code. The operator may correct it while
   * steps wait. A workflow of an older version ignores the field and ends its step.
   */
  clientRefused?: string;
}

/** The cause of a call that was not sent because its user or its server has reached the worker's limit of calls. */
export const TOO_MANY_CALLS = 'too-many-calls';

/**
 * The cause of a call that was not sent because an admin has paused its server. A workflow of an older version waits
 * as in an outage.
 */
export const SERVER_PAUSED = 'server-paused';

/**
 * `ApplicationFailure.type` of an activity whose worker lacks the key to decrypt its input. The activity did not
 * start.
 */
export const PAYLOAD_KEY_MISSING = 'PayloadKeyMissing';

export interface InvokeToolInput extends CredentialKey {
  tool: string;
  arguments: Record<string, unknown>;
  /** The same on every attempt of a step. See idempotency-key.ts. */
  idempotencyKey: string;
  /** The call is given up after this long without an answer or progress from the server. */
  inactivityTimeoutMs: number;
  /** The token version that this step has just renewed. It is used once, however soon it expires. */
  justRenewed?: number;
}

/**
 * The outcome of a tool call. `invokeTool` returns it and never throws. `seen` holds the versions that the store
 * reported, so that the workflow never believes a signal over the store.
 */
export type InvokeToolOutcome =
  | { kind: 'completed'; isError: boolean; result: ToolResult; progress?: ProgressNote[] }
  /** Not called: the stored access token is missing or about to expire. */
  | { kind: 'token-stale'; seen: CredentialVersions }
  /** Not called. */
  | ReauthRequired
  /**
   * HTTP 401 from the MCP server, judged by the status alone. `expired`: the token's own lifetime had passed when the
   * answer came, so it says nothing about the grant. Absent otherwise, and in histories of older versions.
   */
  | { kind: 'unauthorized'; seen: CredentialVersions; expired?: true }
  /**
   * HTTP 403 with the challenge `insufficient_scope` (RFC 6750 §3.1). `requiredScopes` is what the user has to
   * consent to: the granted scopes and the challenged ones.
   */
  | {
      kind: 'insufficient-scope';
      seen: CredentialVersions;
      challengedScopes: string[];
      requiredScopes: string[];
      /** What the consent of the refused credential was asked for. Absent: it is unknown. */
      requestedScopes?: string[];
    }
  /** Not called. */
  | KeyMissing
  /** No byte of the call left this process, or the server refused to start it: safe to repeat. */
  | { kind: 'not-sent'; cause: string; retryAfterMs?: number }
  /** Sent, but no answer arrived: the tool may or may not have run. */
  | { kind: 'lost'; cause: string }
  /**
   * Final: a repetition would not help. `message` is for the user. `operatorMessage` stays in history and logs.
   * `serverMessage` is the server's text: it is shown to the user and never logged.
   */
  | {
      kind: 'failed';
      code: StepErrorCode;
      message: string;
      operatorMessage?: string;
      serverMessage?: string;
    };

/** A progress notification of a long call. MCP 2025-11-25, basic/utilities/progress. */
export interface ProgressNote {
  /** ISO 8601, UTC. */
  at: string;
  progress: number;
  total?: number;
  message?: string;
}

/** Why an attempt has no answer. The same for an attempt to call the tool and an attempt to describe it. */
export type Obstacle = Exclude<InvokeToolOutcome, { kind: 'completed' | 'lost' }>;

export interface DescribeToolInput extends CredentialKey {
  tool: string;
  justRenewed?: number;
}

export type DescribeToolOutcome =
  /** The annotations of a trusted server. Absent for a server that is not trusted: it is not asked. */
  { kind: 'described'; annotations?: ToolAnnotations } | Obstacle;

export interface CheckArgumentsInput extends CredentialKey {
  tool: string;
  arguments: Record<string, unknown>;
}

export type CheckArgumentsOutcome =
  | { kind: 'valid' }
  | { kind: 'invalid'; message: string }
  /** The arguments could not be checked. */
  | { kind: 'unchecked'; message: string };

export interface ListToolsInput {
  userId: string;
  servers: ServerAccount[];
  detail: ListDetail;
  /** The most bytes of all lists together, as JSON in UTF-8. */
  maxBytes: number;
}

/** What became of one account's list. */
export type ToolListing =
  | {
      kind: 'listed';
      tools: ToolDescription[];
      /** An admin has paused the server: calls wait. */
      paused?: true;
      /** The size of `tools` as JSON in UTF-8. */
      bytes: number;
    }
  /** `connectUrl`: the page where the user connects. */
  | (ReauthRequired & { connectUrl: string })
  /** HTTP 403 with the challenge `insufficient_scope`, as in `InvokeToolOutcome`. */
  | {
      kind: 'insufficient-scope';
      seen: CredentialVersions;
      challengedScopes: string[];
      requiredScopes: string[];
      requestedScopes?: string[];
    }
  /** `mayPass`: the same request may succeed soon. */
  | { kind: 'failed'; failure: ListFailure; mayPass?: true; retryAfterMs?: number };

export interface RefreshTokenInput extends CredentialKey {
  /** The versions whose token was stale or refused. */
  seen: CredentialVersions;
}

export type RefreshTokenOutcome =
  /** A newer token than `seen` is stored. Another process may have fetched it. */
  { kind: 'renewed'; versions: CredentialVersions } | ReauthRequired | KeyMissing | Misconfigured;

export interface RegisterWaiterInput extends CredentialKey {
  stepId: string;
  /** The versions that the step saw before it decided to wait. */
  seen: CredentialVersions;
  /** The server refused the access token of `seen` although it had just been renewed. */
  tokenRejected: boolean;
  /** With a pause for scope: what the user has to consent to. */
  requiredScopes?: string[];
}

export interface RegisterWaiterOutcome {
  /** False if the credential is newer than `seen`, or `ranOut` is set: the step tries again instead of waiting. */
  wait: boolean;
  /** The refused token expired before it was used: the step renews it and does not ask the user. */
  ranOut?: boolean;
  connectUrl: string;
}

export interface ResumeStepsInput extends CredentialKey {
  version: number;
}

/** The activities by their Temporal names. */
export interface LatchkeyActivities {
  invokeTool(input: InvokeToolInput): Promise<InvokeToolOutcome>;
  describeTool(input: DescribeToolInput): Promise<DescribeToolOutcome>;
  checkArguments(input: CheckArgumentsInput): Promise<CheckArgumentsOutcome>;
  /** Returns the outcomes in the order of `servers`. */
  listTools(input: ListToolsInput): Promise<ToolListing[]>;
  refreshToken(input: RefreshTokenInput): Promise<RefreshTokenOutcome>;
  registerWaiter(input: RegisterWaiterInput): Promise<RegisterWaiterOutcome>;
  removeWaiter(): Promise<void>;
  signalWaiters(input: ResumeStepsInput): Promise<SignalWaitersOutcome>;
  /** Returns the number of steps that were told. */
  signalStepsOfServer(input: ServerResumption): Promise<number>;
  endServerResumption(input: ServerResumption): Promise<void>;
  startLostWork(): Promise<LostWork>;
  revokeGrant(input: CredentialKey): Promise<void>;
  listServersWithIdleGrants(input: { after: string }): Promise<string[]>;
  renewIdleGrants(input: RenewIdleGrantsInput): Promise<IdleRenewals>;
  deleteExpired(): Promise<DeletedRows>;
  deliverWebhook(event: WebhookEvent): Promise<DeliverWebhookOutcome>;
}
