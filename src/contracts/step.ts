/**
 * The contract of a step: its input, result, view and the tool's description. JSON only, so that a client in any
 * language can use it. The package exports these types, and histories hold the values.
 */

/** A caller's request: one MCP tool call for one user. */
export interface StepRequest {
  mcpServerId: string;
  /** Which of the user's accounts at the server; 1–255 characters without control characters. Default: `default`. */
  account?: string;
  tool: string;
  arguments?: Record<string, unknown>;
  /** 1–128 of `A–Z a–z 0–9 . _ ~ -`. Defaults to the workflow id. */
  stepId?: string;
  title?: string;
  mode?: StepMode;
  sideEffects?: SideEffects;
  timeouts?: StepTimeouts;
}

/** The argument of workflow `mcpStep`: the body of `POST /steps` and the user it acts for. */
export interface McpStepInput extends StepRequest {
  userId: string;
  /**
   * Whether the step tells the workflow that started it as a child when it pauses and resumes, by the signal
   * `stepNotice`, and lets that workflow take it back while it is paused, by the signal `withdraw`. Default: false.
   * Without a parent it has no effect.
   */
  notifyParent?: boolean;
}

export const STEP_MODES = ['fully-automated', 'automated-with-confirmation', 'confirm-destructive'] as const;
export type StepMode = (typeof STEP_MODES)[number];

export const SIDE_EFFECTS = ['auto', 'read-only', 'idempotent', 'unsafe'] as const;
export type SideEffects = (typeof SIDE_EFFECTS)[number];

/** Durations such as `30s`, `5m`, `30 days`. */
export interface StepTimeouts {
  call?: string;
  approval?: string;
  reauth?: string;
  resolution?: string;
  unavailable?: string;
}

export const STEP_STATUSES = [
  'running',
  'awaiting-input',
  'success',
  'error',
  'skipped',
  'cancelled',
] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** Whether a step with this status has come to its end. */
export function hasEnded({ status }: { status: StepStatus }): boolean {
  return status !== 'running' && status !== 'awaiting-input';
}

export const AWAITING_INPUT_REASONS = [
  'needs-oauth-reauth',
  'needs-oauth-scope',
  'needs-approval',
  'outcome-unknown',
] as const;
export type AwaitingInputReason = (typeof AWAITING_INPUT_REASONS)[number];

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
export type ConnectionReason = (typeof CONNECTION_REASONS)[number];

export interface StepError {
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
  content: unknown[];
  structuredContent?: Record<string, unknown>;
  /** Irregularities of the answer. They do not fail the step, because the tool has run. */
  warnings?: string[];
  /** Set if the result is too large for Temporal's history: it is in the database, and `content` is empty. */
  stored?: StoredResultReference;
}

export interface StoredResultReference {
  id: string;
  /** The size of the result as JSON. */
  bytes: number;
}

export type McpStepResult =
  | { status: 'success'; result: ToolResult }
  | { status: 'error'; error: StepError; result?: ToolResult }
  | { status: 'skipped'; reason: string };

export interface TimelineEntry {
  /** ISO 8601, UTC. */
  at: string;
  event: string;
  [detail: string]: unknown;
}

/** A step as query `step` and `GET /steps/:stepId` return it. Times are ISO 8601, UTC. */
export interface StepView {
  /** A listing of tools (workflow `mcpTools`), which is shown like a step. Absent for a step. */
  kind?: 'listing';
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  account: string;
  /** Empty for a listing. */
  tool: string;
  title?: string;
  mode: StepMode;
  status: StepStatus;
  awaitingInputReason?: AwaitingInputReason;
  /** With `needs-oauth-scope`: the scopes that the user has to consent to. */
  requiredScopes?: string[];
  /** With `needs-oauth-reauth`: why the connection needs its user. */
  connectionReason?: ConnectionReason | 'not-connected';
  /** The page where the user reconnects. Holds no secret; opening it has no effect. */
  connectUrl?: string;
  /** With a listing that is paused: all the connections that it waits for. The view's own fields name the first. */
  connections?: AwaitedConnectionView[];
  pending?: { arguments: Record<string, unknown>; annotations?: ToolAnnotations };
  result?: ToolResult;
  error?: StepError;
  timeline: TimelineEntry[];
  createdAt: string;
  updatedAt: string;
}

/** A connection that a listing waits for. */
export interface AwaitedConnectionView {
  mcpServerId: string;
  account: string;
  awaitingInputReason: AwaitingInputReason;
  requiredScopes?: string[];
  connectionReason?: ConnectionReason | 'not-connected';
  connectUrl: string;
}

/** MCP 2025-11-25, schema#toolannotations. Hints: used only if the server is registered as trusted. */
export interface ToolAnnotations {
  title?: string;
  readOnlyHint?: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
  openWorldHint?: boolean;
}

/** One tool of `tools/list`. MCP 2025-11-25, server/tools#tool. */
export interface ToolDescription {
  name: string;
  /** For display. `annotations.title` is a separate field. */
  title?: string;
  description?: string;
  inputSchema: Record<string, unknown>;
  outputSchema?: Record<string, unknown>;
  annotations?: ToolAnnotations;
  /** With `taskSupport: "required"` the tool can be called as a task only, which Latchkey does not support. */
  execution?: Record<string, unknown>;
  icons?: ToolIcon[];
}

/** MCP 2025-11-25, schema#icon. The scheme of `src` is https, http or data. */
export interface ToolIcon {
  src: string;
  [member: string]: unknown;
}
