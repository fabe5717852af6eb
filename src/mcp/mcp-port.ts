import type { StepErrorCode, ToolDescription, ToolResult } from '../contracts/step.ts';

/** An MCP server as one user's call sees it. */
export interface McpTarget {
  mcpServerId: string;
  userId: string;
  /** Rises with every change of the registration: connections of an older one are not used again. */
  registrationVersion: number;
  /**
   * Rises with every deposit and disconnect. A session that was opened under an older consent may belong to
   * another account at the server, so it is not used again. Absent where the server asks for no credential
   * of the user.
   */
  credentialVersion?: number;
  url: string;
  /** Static headers that the admin registered; never `Authorization`. */
  headers: Record<string, string>;
  /** Bytes of one JSON-RPC answer, at most; progress messages before it do not count. */
  maxResultBytes: number;
  /** The access token or static bearer token of this one request; absent for open servers. */
  bearerToken?: string;
  /** Whether the token is due for renewal by the database's time. Absent where its lifetime is not known. */
  tokenIsDue?: () => boolean;
  /** The call, or the list, is made with the token though it is due, until it expires: it was renewed for this. */
  tokenJustRenewed?: boolean;
  /** Whether the token has expired by the database's time. Absent where that is not known. */
  tokenIsExpired?: () => boolean;
  /** Whether the store still holds this very token, and not as due. Asked before the farewell. Never rejects. */
  tokenIsCurrent?: () => Promise<boolean>;
  /**
   * Another token of the same consent, for what has to be asked after the call's own has become due. Undefined
   * where there is none. Never rejects.
   */
  freshToken?: () => Promise<FreshToken | undefined>;
}

export type FreshToken = Required<Pick<McpTarget, 'bearerToken' | 'tokenIsDue'>> &
  Pick<McpTarget, 'tokenIsCurrent'>;

export interface ToolCall {
  tool: string;
  arguments: Record<string, unknown>;
  /** Travels as `_meta["latchkey/idempotency-key"]`. */
  idempotencyKey: string;
  /** Given up after so long without progress; then the server is told `notifications/cancelled`. */
  inactivityTimeoutMs: number;
  /** Given up after so long whatever happens. */
  ceilingMs: number;
  /** Aborting cancels the call at the server. */
  signal: AbortSignal;
  onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

/**
 * Why a request did not reach the server's tool, or why its answer did not reach us. Stable words, not
 * messages. `stream-ended`: the server ended its event stream before the answer; `flooded`: it sent too much before
 * the answer and was hung up on; `cancelled`: our own side.
 */
export type FailureCause =
  | 'address-refused'
  | 'dns-failed'
  | 'connect-refused'
  | 'connect-timeout'
  | 'tls-failed'
  | 'rate-limited'
  | 'unavailable'
  | 'server-error'
  | 'reset'
  | 'timeout'
  | 'cancelled'
  | 'stream-ended'
  | 'flooded';

export type RefusedByServer =
  | { kind: 'unauthorized' }
  /** RFC 6750 §3.1 `insufficient_scope`. */
  | { kind: 'insufficient-scope'; requiredScopes: string[] };

/** The token became due before it could be used: nothing was sent with it. */
export type TokenDue = { kind: 'token-due' };

export type McpFailure = {
  kind: 'failed';
  code: Extract<
    StepErrorCode,
    'tool-error' | 'unknown-tool' | 'invalid-arguments' | 'forbidden' | 'protocol-error' | 'result-too-large'
  >;
  /** For the user. */
  message: string;
  /** For whoever runs Latchkey or the server: what was seen. Facts alone, never the server's own words. */
  operatorMessage: string;
  /** The server's own words, for the user and the model, never for a log. At most 2,000 characters. */
  serverMessage?: string;
};

export type CallToolOutcome =
  | { kind: 'completed'; isError: boolean; result: ToolResult }
  | RefusedByServer
  /**
   * No byte of the call was handed to a socket, or the server refused to start it (429, 503, a session it
   * does not know): safe to repeat.
   */
  | { kind: 'not-sent'; cause: FailureCause; retryAfterMs?: number }
  /** Sent, and no answer came: the tool may have run. */
  | { kind: 'lost'; cause: FailureCause }
  | TokenDue
  | McpFailure;

export type ListToolsOutcome =
  | { kind: 'listed'; tools: ToolDescription[] }
  | RefusedByServer
  | { kind: 'unavailable'; cause: FailureCause; retryAfterMs?: number }
  | TokenDue
  | McpFailure;

export interface ListToolsOptions {
  timeoutMs: number;
  /** Aborting hangs up. */
  signal?: AbortSignal;
  /** Told of the bytes of the list as they come. */
  received?: (bytes: number) => void;
}

/** All that Latchkey asks of an MCP server. Neither method throws for anything the server or network does. */
export interface McpPort {
  /**
   * One call, answered, refused or given up. Auth is judged by the HTTP status of this very request, never by
   * what an answer says.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#calling-tools
   */
  callTool(target: McpTarget, call: ToolCall): Promise<CallToolOutcome>;
  /** All pages, within `timeoutMs` altogether. */
  listTools(target: McpTarget, options: ListToolsOptions): Promise<ListToolsOutcome>;
  /** Hangs up and ends the sessions; calls still open become `lost` or `not-sent` (`cancelled`). */
  close(): Promise<void>;
}
