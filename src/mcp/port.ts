/**
 * What Latchkey asks of an MCP server: the target, the call, the outcomes. Activities and `tools/` import this file and
 * not the adapter behind it, so that nothing outside `mcp/` depends on the SDK or on HTTP. The kinds of outcomes are
 * those of `InvokeToolOutcome` wherever they mean the same.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25
 */
import type { StepErrorCode, ToolDescription, ToolResult } from '../contracts/step.ts';

/** An MCP server, and the credential of the user on whose behalf it is called. */
export interface McpTarget {
  mcpServerId: string;
  userId: string;
  /** The user's account at the server. Absent: `default`. */
  account?: string;
  /** Rises with every change of the registration. Sessions of an older registration are not used again. */
  registrationVersion: number;
  /**
   * Rises with every deposit and disconnect. A session that was opened under an older consent may belong to another
   * account at the server, so it is not used again. Absent if the server asks for no credential of the user.
   */
  credentialVersion?: number;
  url: string;
  /** Static headers that the admin registered; never `Authorization`. */
  headers: Record<string, string>;
  /** The most bytes that one JSON-RPC answer may have. Progress messages before it do not count. */
  maxResultBytes: number;
  /** The access token or static bearer token of this one request. Absent for open servers. */
  bearerToken?: string;
  /** Whether the token is due for renewal by the database's time. Absent if its lifetime is not known. */
  tokenIsDue?: () => boolean;
  /** The token was renewed for this call or list, which uses it until it expires, even if it is already due. */
  tokenJustRenewed?: boolean;
  /** Whether the token has expired by the database's time. Absent if that is not known. */
  tokenIsExpired?: () => boolean;
  /** Whether the store still holds this token and it is not due. Asked before a session is deleted. Never rejects. */
  tokenIsCurrent?: () => Promise<boolean>;
  /**
   * Returns a token of the same consent for requests that follow after the call's own token has become due. Undefined
   * if there is none. Never rejects.
   */
  freshToken?: () => Promise<FreshToken | undefined>;
}

export type FreshToken = Required<Pick<McpTarget, 'bearerToken' | 'tokenIsDue'>> &
  Pick<McpTarget, 'tokenIsCurrent'>;

export interface ToolCall {
  tool: string;
  arguments: Record<string, unknown>;
  /** Sent as `_meta["latchkey/idempotency-key"]`. */
  idempotencyKey: string;
  /** Milliseconds without progress after which the call ends; the server is then sent `notifications/cancelled`. */
  inactivityTimeoutMs: number;
  /** Milliseconds after which the call ends, with or without progress. */
  ceilingMs: number;
  /** Aborting cancels the call at the server. */
  signal: AbortSignal;
  onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

/**
 * Why a request did not reach the server's tool, or why its answer did not reach Latchkey. These are stable words, not
 * messages. `proxy-failed`: the egress proxy can't be reached, or opens no tunnel to the server. `stream-ended`: the
 * server ended its event stream before the answer. `flooded`: the server sent too much before the answer, and Latchkey
 * closed the connection. `cancelled`: Latchkey itself gave the request up.
 */
export type FailureCause =
  | 'address-refused'
  | 'dns-failed'
  | 'connect-refused'
  | 'connect-timeout'
  | 'tls-failed'
  | 'proxy-failed'
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
  /** RFC 6750 §3.1 `insufficient_scope`. The scopes are those of the challenge alone. */
  | { kind: 'insufficient-scope'; challengedScopes: string[] };

/**
 * No byte of the request was handed to a socket, or the server refused to start it (429, 503, an unknown session): safe
 * to repeat.
 */
export type NotSent = { kind: 'not-sent'; cause: FailureCause; retryAfterMs?: number };

/** The request was sent and no answer came: the tool may have run. */
export type Lost = { kind: 'lost'; cause: FailureCause };

/** The token became due before it could be used: nothing was sent with it. */
export type TokenStale = { kind: 'token-stale' };

export type McpFailure = {
  kind: 'failed';
  code: Extract<
    StepErrorCode,
    'tool-error' | 'unknown-tool' | 'invalid-arguments' | 'forbidden' | 'protocol-error' | 'result-too-large'
  >;
  /** For the user. */
  message: string;
  /** The facts, for the operator of Latchkey or of the server. Never the server's own text. */
  operatorMessage: string;
  /** The server's own text, for the user and the model, never for a log. At most 2,000 characters. */
  serverMessage?: string;
};

/** Why a request has no result. */
export type RequestFailure = RefusedByServer | NotSent | Lost | TokenStale | McpFailure;

export type CallToolOutcome = { kind: 'completed'; isError: boolean; result: ToolResult } | RequestFailure;

export type ListToolsOutcome =
  | { kind: 'listed'; tools: ToolDescription[] }
  /** A list changes nothing, so it is safe to repeat whether it was sent or not. */
  | { kind: 'unavailable'; cause: FailureCause; retryAfterMs?: number }
  | Exclude<RequestFailure, NotSent | Lost>;

export interface ListToolsOptions {
  timeoutMs: number;
  /** Aborting it closes the connection. */
  signal?: AbortSignal;
  /** Called with the change of the number of bytes that are held of the list. */
  received?: (change: number) => void;
}

/** All that Latchkey asks of an MCP server. Neither method throws for anything the server or network does. */
export interface McpPort {
  /**
   * Makes one call. Authorization is judged by the HTTP status of this request alone, never by the content of an
   * answer.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#calling-tools
   */
  callTool(target: McpTarget, call: ToolCall): Promise<CallToolOutcome>;
  /** Reads all pages within `timeoutMs` altogether. */
  listTools(target: McpTarget, options: ListToolsOptions): Promise<ListToolsOutcome>;
  /** Closes all connections and deletes the sessions. Open calls end as `lost` or `not-sent` (`cancelled`). */
  close(): Promise<void>;
}
