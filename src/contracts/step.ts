/**
 * The contract of a step: its input, result, view and the tool's description. JSON only, so that a client in any
 * language can use it. The package exports these types, and histories hold the values.
 */

/** A caller's request: one MCP tool call for one user. */
export interface StepRequest {
  /** The MCP server, as it is registered: 1–255 characters without control characters. */
  mcpServerId: string;
  /** Which of the user's accounts at the server; 1–255 characters without control characters. Default: `default`. */
  account?: string;
  /** The tool's name at the server: 1–255 characters without control characters. */
  tool: string;
  /** What the tool is called with. Integers beyond 2^53 are refused: send them as strings. Default: `{}`. */
  arguments?: Record<string, unknown>;
  /** 1–128 of `A–Z a–z 0–9 . _ ~ -`. Defaults to the workflow id. */
  stepId?: string;
  /** What the step is called in lists and on pages: at most 255 characters. Default: what the server calls the tool. */
  title?: string;
  /** Whether a person approves the call first. Default: `fully-automated`. */
  mode?: StepMode;
  /** What a second call would do, which decides about a call that got no answer. Default: `auto`. */
  sideEffects?: SideEffects;
  /** How long the call and each kind of waiting may take. */
  timeouts?: StepTimeouts;
}

/** The argument of workflow `mcpStep`: the body of `POST /steps` and the user it acts for. */
export interface McpStepInput extends StepRequest {
  /** On whose behalf the tool is called: 1–255 characters without control characters. */
  userId: string;
  /**
   * Whether the step tells the workflow that started it as a child when it pauses and resumes, by the signal
   * `stepNotice`, and lets that workflow take it back while it is paused, by the signal `withdraw`. Default: false.
   * Without a parent it has no effect.
   */
  notifyParent?: boolean;
}

/** Every `StepMode`. */
export const STEP_MODES = ['fully-automated', 'automated-with-confirmation', 'confirm-destructive'] as const;
/**
 * Whether a person approves a call before it is made.
 *
 * - `fully-automated`: the step does not ask
 * - `automated-with-confirmation`: the step waits for an approval
 * - `confirm-destructive`: the step waits for one, unless a server that is registered as trusted marks the tool as
 *   read-only
 */
export type StepMode = (typeof STEP_MODES)[number];

/** Every value of `SideEffects`. */
export const SIDE_EFFECTS = ['auto', 'read-only', 'idempotent', 'unsafe'] as const;
/**
 * What a second call of the tool would do. After a call that got no answer, the step calls again only if that is
 * harmless; otherwise it waits for a person (`outcome-unknown`).
 *
 * - `auto`: as the annotations of a server that is registered as trusted say, else `unsafe`
 * - `read-only`, `idempotent`: harmless
 * - `unsafe`: it may do harm
 */
export type SideEffects = (typeof SIDE_EFFECTS)[number];

/** Durations such as `30s`, `5m`, `30 days`. */
export interface StepTimeouts {
  /** How long one call may take. Default 5 minutes, at most 1 hour. */
  call?: string;
  /** How long the step waits for an approval. Default 30 days, at most 365. Then: `approval-timed-out`. */
  approval?: string;
  /** How long the step waits for its user to connect. Default 30 days, at most 365. Then: `reauth-timed-out`. */
  reauth?: string;
  /** How long the step waits for a person to resolve it. Default 30 days, at most 365. Then: `outcome-unknown`. */
  resolution?: string;
  /** How long the step retries while the server or Latchkey's own parts are away. Default 24 hours, at most 30 days. */
  unavailable?: string;
}

/** Every `StepStatus`. */
export const STEP_STATUSES = [
  'running',
  'awaiting-input',
  'success',
  'error',
  'skipped',
  'cancelled',
] as const;
/**
 * - `running`: it calls, or waits for something that passes by itself
 * - `awaiting-input`: it is paused, and waits for a person
 * - `success`, `error`: it has ended; with `tool-error`, the tool itself said that it failed
 * - `skipped`: a person rejected the call, which was not made
 * - `cancelled`: it was cancelled, or terminated in Temporal
 */
export type StepStatus = (typeof STEP_STATUSES)[number];

/** Whether a step with this status has come to its end. */
export function hasEnded({ status }: { status: StepStatus }): boolean {
  return status !== 'running' && status !== 'awaiting-input';
}

/** Every `AwaitingInputReason`. */
export const AWAITING_INPUT_REASONS = [
  'needs-oauth-reauth',
  'needs-oauth-scope',
  'needs-approval',
  'outcome-unknown',
] as const;
/**
 * What a paused step needs of a person.
 *
 * - `needs-oauth-reauth`: connect the account, at `connectUrl`
 * - `needs-oauth-scope`: allow the `requiredScopes`, at `connectUrl`
 * - `needs-approval`: approve or reject the call
 * - `outcome-unknown`: say whether a call that got no answer has happened, or call again
 */
export type AwaitingInputReason = (typeof AWAITING_INPUT_REASONS)[number];

/** Every `StepErrorCode`. */
export const STEP_ERROR_CODES = [
  'tool-error',
  'unknown-tool',
  'invalid-arguments',
  'forbidden',
  'server-unavailable',
  'protocol-error',
  'result-too-large',
  'reauth-timed-out',
  'approval-timed-out',
  'outcome-unknown',
  'misconfigured',
] as const;
/**
 * Why a step ended as `error`. Codes are stable; `docs/outcomes.md` has their causes.
 *
 * - `tool-error`: the tool ran and says that it failed; the step has its `result`
 * - `unknown-tool`: the server has no such tool
 * - `invalid-arguments`: the input is invalid, or the server refuses the arguments
 * - `forbidden`: the server refuses the user
 * - `server-unavailable`: it was away for longer than `timeouts.unavailable`
 * - `protocol-error`: its answer does not follow MCP
 * - `result-too-large`: its answer exceeds `maxResultBytes` of its registration
 * - `reauth-timed-out`, `approval-timed-out`: the user did not connect, or no person decided, in time
 * - `outcome-unknown`: the call got no answer, and a person said that it failed, or did not decide in time
 * - `misconfigured`: only the operator can help
 */
export type StepErrorCode = (typeof STEP_ERROR_CODES)[number];

/** Why a connection needs its user. */
export const CONNECTION_REASONS = [
  'invalid-grant',
  // The token endpoint refused the refresh with an error that no standard defines.
  'refresh-refused',
  'invalid-client',
  'refresh-outcome-lost',
  'client-secret-expired',
  'no-refresh-token',
  'undecryptable',
  'server-changed',
  'token-rejected',
] as const;
/**
 * Why a connection needs its user.
 *
 * - `invalid-grant`: the grant has expired, or the user withdrew the consent
 * - `refresh-refused`: the token endpoint refused the refresh with an error that no standard defines
 * - `invalid-client`: it refused the client that the grant was issued to
 * - `refresh-outcome-lost`: a refresh got no answer, and the refresh token is spent
 * - `client-secret-expired`: the client's secret has expired
 * - `no-refresh-token`: the access token has expired, and there is no refresh token
 * - `undecryptable`: the stored grant can't be decrypted
 * - `server-changed`: the server's registration now names another place to send the tokens to
 * - `token-rejected`: the MCP server refuses fresh tokens
 */
export type ConnectionReason = (typeof CONNECTION_REASONS)[number];

/** Why a step ended as `error`. */
export interface StepError {
  /** Stable: programs decide by it. */
  code: StepErrorCode;
  /** For the step's user, written by Latchkey; never a secret. */
  message: string;
  /**
   * The server's message, if it answered the call with a JSON-RPC error: at most 2,000 characters, without the token
   * that it was sent. Show it as the server's text, and never log it.
   */
  serverMessage?: string;
}

/** A tool's result, unchanged. MCP 2025-11-25, server/tools#tool-result. */
export interface ToolResult {
  /** Text, images, sounds and resources, as the server sent them. */
  content: unknown[];
  /** An object that fits the tool's `outputSchema`, if it has one. */
  structuredContent?: Record<string, unknown>;
  /** Irregularities of the answer. They do not fail the step, because the tool has run. */
  warnings?: string[];
  /** Set if the result is too large for Temporal's history: it is in the database, and `content` is empty. */
  stored?: StoredResultReference;
}

/** Refers to a result that is too large for Temporal's history. `GET /steps/:stepId` and `fullResult` return it whole. */
export interface StoredResultReference {
  /** The result's id in the database. */
  id: string;
  /** The size of the result as JSON. */
  bytes: number;
}

/** What a step returns when it ends. Only a cancellation is an exception. */
export type McpStepResult =
  | { status: 'success'; result: ToolResult }
  | { status: 'error'; error: StepError; result?: ToolResult }
  | { status: 'skipped'; reason: string };

/** Something that happened to a step, with the details of its event as further members. */
export interface TimelineEntry {
  /** ISO 8601, UTC. */
  at: string;
  /** Such as `started`, `awaiting-input`, `resumed`, `finished`. Later versions may add some. */
  event: string;
  [detail: string]: unknown;
}

/** A step as query `step` and `GET /steps/:stepId` return it. Times are ISO 8601, UTC. */
export interface StepView {
  /** A listing of tools (workflow `mcpTools`), which is shown like a step. Absent for a step. */
  kind?: 'listing';
  /** Unique among the steps of its user. */
  stepId: string;
  /** In Temporal. */
  workflowId: string;
  /** The server that is called. */
  mcpServerId: string;
  /** Which of the user's accounts at the server. */
  account: string;
  /** Empty for a listing. */
  tool: string;
  /** As it was started with. */
  title?: string;
  /** Whether a person approves the call first. */
  mode: StepMode;
  /** What it does, or how it ended. */
  status: StepStatus;
  /** With `awaiting-input`: what it needs of a person. */
  awaitingInputReason?: AwaitingInputReason;
  /** With `needs-oauth-scope`: the scopes that the user has to consent to. */
  requiredScopes?: string[];
  /** With `needs-oauth-reauth`: why the connection needs its user. */
  connectionReason?: ConnectionReason | 'not-connected';
  /** The page where the user reconnects. Holds no secret; opening it has no effect. */
  connectUrl?: string;
  /** With a listing that is paused: all the connections that it waits for. The view's own fields name the first. */
  connections?: AwaitedConnectionView[];
  /** With `needs-approval`: the call that a person decides about. */
  pending?: { arguments: Record<string, unknown>; annotations?: ToolAnnotations };
  /** With `success` and `tool-error`. A large one is a reference. */
  result?: ToolResult;
  /** With `error`. */
  error?: StepError;
  /** What has happened, the oldest first. */
  timeline: TimelineEntry[];
  /** When the start was requested, or when Temporal started the step if that is not known. */
  createdAt: string;
  /** When its status last changed, or it last noted something. */
  updatedAt: string;
}

/** A connection that a listing waits for. */
export interface AwaitedConnectionView {
  /** The server to connect. */
  mcpServerId: string;
  /** Which of the user's accounts there. */
  account: string;
  /** `needs-oauth-reauth` or `needs-oauth-scope`. */
  awaitingInputReason: AwaitingInputReason;
  /** With `needs-oauth-scope`: what the user has to consent to. */
  requiredScopes?: string[];
  /** With `needs-oauth-reauth`: why the connection needs its user. */
  connectionReason?: ConnectionReason | 'not-connected';
  /** The page where the user connects. Holds no secret; opening it has no effect. */
  connectUrl: string;
}

/** MCP 2025-11-25, schema#toolannotations. Hints: used only if the server is registered as trusted. */
export interface ToolAnnotations {
  /** For display. */
  title?: string;
  /** The tool changes nothing. Default: false. */
  readOnlyHint?: boolean;
  /** It may overwrite or delete, not only add. Default: true. */
  destructiveHint?: boolean;
  /** Calling it again with the same arguments changes nothing more. Default: false. */
  idempotentHint?: boolean;
  /** It reaches systems beyond the server's own. Default: true. */
  openWorldHint?: boolean;
}

/** One tool of `tools/list`. MCP 2025-11-25, server/tools#tool. */
export interface ToolDescription {
  /** By which it is called. */
  name: string;
  /** For display. `annotations.title` is a separate field. */
  title?: string;
  /** For the model: what it does. */
  description?: string;
  /** The JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
  /** The JSON Schema of `structuredContent`. */
  outputSchema?: Record<string, unknown>;
  /** What the server says of its effects. */
  annotations?: ToolAnnotations;
  /** With `taskSupport: "required"` the tool can be called as a task only, which Latchkey does not support. */
  execution?: Record<string, unknown>;
  /** For display. Workflow `mcpTools` leaves them out. */
  icons?: ToolIcon[];
}

/** MCP 2025-11-25, schema#icon. The scheme of `src` is https, http or data. */
export interface ToolIcon {
  /** The address of the image, or the image itself as a `data:` URL. */
  src: string;
  [member: string]: unknown;
}
