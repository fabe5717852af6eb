/** What a caller asks for: one MCP tool call for one user. JSON only, so any language can start it. */
export interface StepRequest {
  mcpServerId: string;
  tool: string;
  arguments?: Record<string, unknown>;
  /** 1–128 of `A–Z a–z 0–9 . _ ~ -`. Defaults to the workflow id. */
  stepId?: string;
  title?: string;
  mode?: StepMode;
  sideEffects?: SideEffects;
  timeouts?: StepTimeouts;
}

/** The one argument of workflow `mcpStep`: the body of `POST /steps` plus the user it acts for. */
export interface McpStepInput extends StepRequest {
  userId: string;
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
  /** For the step's user, in Latchkey's words; never a secret. */
  message: string;
  /**
   * The server's own words, where it answered the call with a JSON-RPC error: at most 2,000 characters, without
   * the token that it was sent. Not Latchkey's: show it as the server's, never log it.
   */
  serverMessage?: string;
}

/** A tool's answer, untouched. MCP 2025-11-25, server/tools#tool-result. */
export interface ToolResult {
  content: unknown[];
  structuredContent?: Record<string, unknown>;
  /** What is odd about the answer without making it a failure: the tool already ran. */
  warnings?: string[];
  /** The answer is too large for Temporal's history: it is stored, and `content` is empty here. */
  stored?: StoredResultReference;
}

export interface StoredResultReference {
  id: string;
  /** Size of the answer as JSON. */
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

/** A step as the query `step` and `GET /steps/:stepId` show it. Times are ISO 8601, UTC. */
export interface StepView {
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  tool: string;
  title?: string;
  mode: StepMode;
  status: StepStatus;
  awaitingInputReason?: AwaitingInputReason;
  /** With `needs-oauth-scope`: what consent must cover. */
  requiredScopes?: string[];
  /** With `needs-oauth-reauth`: why the connection needs its user. */
  connectionReason?: ConnectionReason | 'not-connected';
  /** A page's address; holds no secret and has no effect by being opened. */
  connectUrl?: string;
  pending?: { arguments: Record<string, unknown>; annotations?: ToolAnnotations };
  result?: ToolResult;
  error?: StepError;
  timeline: TimelineEntry[];
  createdAt: string;
  updatedAt: string;
}

/** MCP 2025-11-25, schema#toolannotations: hints, believed only from a server marked as trusted. */
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
  /** For people. `annotations.title` is another one. */
  title?: string;
  description?: string;
  inputSchema: Record<string, unknown>;
  outputSchema?: Record<string, unknown>;
  annotations?: ToolAnnotations;
  /** `taskSupport: "required"`: the tool can be called as a task only, which Latchkey does not do. */
  execution?: Record<string, unknown>;
  icons?: ToolIcon[];
}

/** MCP 2025-11-25, schema#icon. `src` is of the scheme https, http or data. */
export interface ToolIcon {
  src: string;
  [member: string]: unknown;
}
