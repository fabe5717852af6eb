import { NetworkError, type NetworkErrorCode } from '../../net/network.ts';
import { retryAfterMs } from '../../oauth/retry-after.ts';
import { JsonOverLimit } from '../../turns/json-limits.ts';
import type { FailureCause, McpFailure, RefusedByServer, TokenDue } from '../port.ts';
import { HttpRefusal, type RefusalFacts, ServerFloods, StreamEnded, UnusableAnswer } from './failures.ts';
import type { RpcError } from './rpc-answer.ts';
import { insufficientScope } from './www-authenticate.ts';

/** Why one request to an MCP server has no JSON-RPC response. */
export type Verdict =
  | RefusedByServer
  /**
   * The server does not know the session, and therefore did nothing. `failure`: what it is where a new one is no
   * help; `error`: how the request itself was answered.
   */
  | { kind: 'session-lost'; failure?: McpFailure; error?: RpcError }
  /** The server would not start it: safe to repeat. */
  | { kind: 'declined'; cause: FailureCause; retryAfterMs?: number }
  /** `sent`: a byte of the request was handed to a socket, so the server may have acted on it. */
  | { kind: 'unanswered'; cause: FailureCause; sent: boolean }
  | TokenDue
  | McpFailure;

/** Judged by facts alone: HTTP status, challenge, network error. Undefined for an error that is none of these. */
export function classifyFailure(error: unknown, nowMs: number): Verdict | undefined {
  if (error instanceof HttpRefusal) return classifyRefusal(error.facts, nowMs);
  if (error instanceof NetworkError) return classifyNetworkError(error);
  if (error instanceof StreamEnded) return { kind: 'unanswered', cause: 'stream-ended', sent: true };
  // No answer came, and the tool may have run: as where the stream ends.
  if (error instanceof ServerFloods) return { kind: 'unanswered', cause: 'flooded', sent: true };
  if (error instanceof JsonOverLimit) return overLimit(error);
  if (error instanceof UnusableAnswer)
    return protocolError('The MCP server’s answer could not be understood.', error.message);
  return undefined;
}

function overLimit({ limit, message }: JsonOverLimit): McpFailure {
  return limit === 'nesting'
    ? protocolError('The MCP server’s answer nests too deeply.', message)
    : tooLarge(message);
}

export function tooLarge(operatorMessage: string): McpFailure {
  const message = 'The MCP server’s answer is too large.';
  return { kind: 'failed', code: 'result-too-large', message, operatorMessage };
}

export function protocolError(message: string, operatorMessage: string): McpFailure {
  return { kind: 'failed', code: 'protocol-error', message, operatorMessage };
}

function classifyRefusal(facts: RefusalFacts, nowMs: number): Verdict {
  const { status } = facts;
  if (status === 401) return { kind: 'unauthorized' };
  if (status === 403) return classifyForbidden(facts.wwwAuthenticate);
  // MCP 2025-11-25, basic/transports#session-management: 404 to a request with a session id means that the
  // session is over and a new one is to be initialized.
  if (status === 404 && facts.sessionNamed) return { kind: 'session-lost' };
  if (status === 429) return { kind: 'declined', cause: 'rate-limited', ...waiting(facts, nowMs) };
  if (status === 503) return { kind: 'declined', cause: 'unavailable', ...waiting(facts, nowMs) };
  // A gateway's 502 or 504, or a crash: the tool may have run.
  if (status >= 500) return { kind: 'unanswered', cause: 'server-error', sent: true };
  return unusableStatus(facts);
}

/** A status that says nothing of its own. */
export function unusableStatus({ status, redirectsTo }: RefusalFacts): McpFailure {
  if (redirectsTo !== undefined) return redirected(status, redirectsTo);
  return protocolError(
    `The MCP server answered HTTP ${status}.`,
    `HTTP ${status}: the registered URL, or what stands in front of it, does not serve MCP there`,
  );
}

function redirected(status: number, redirectsTo: string): McpFailure {
  return protocolError(
    `The MCP server answered HTTP ${status}.`,
    `HTTP ${status}, a redirect to ${redirectsTo}: a token follows none but 307 and 308 to the registered URL with or without its last slash; register the URL that serves MCP`,
  );
}

function classifyForbidden(wwwAuthenticate: string | null): Verdict {
  const requiredScopes = insufficientScope(wwwAuthenticate);
  if (requiredScopes !== undefined) return { kind: 'insufficient-scope', requiredScopes };
  return {
    kind: 'failed',
    code: 'forbidden',
    message: 'The MCP server forbids this (HTTP 403).',
    operatorMessage: 'HTTP 403 without a challenge that asks for scope',
  };
}

function waiting({ retryAfter, date }: RefusalFacts, nowMs: number): { retryAfterMs?: number } {
  const ms = retryAfterMs(retryAfter, date, nowMs);
  return ms === undefined ? {} : { retryAfterMs: ms };
}

const CAUSES: Record<Exclude<NetworkErrorCode, 'body-too-large' | 'invalid-request'>, FailureCause> = {
  'invalid-url': 'address-refused',
  'scheme-refused': 'address-refused',
  'userinfo-refused': 'address-refused',
  'address-refused': 'address-refused',
  'dns-failed': 'dns-failed',
  'connect-refused': 'connect-refused',
  'connect-timeout': 'connect-timeout',
  'tls-failed': 'tls-failed',
  vetoed: 'cancelled',
  'headers-timeout': 'timeout',
  'body-timeout': 'timeout',
  reset: 'reset',
  // Also an answer that was cut short: the tool may have run.
  'malformed-answer': 'server-error',
  aborted: 'cancelled',
};

function classifyNetworkError({ code, sent }: NetworkError): Verdict {
  switch (code) {
    case 'body-too-large':
      return tooLarge("the answer is over the server's maxResultBytes");
    case 'invalid-request':
      return protocolError(
        'The request to the MCP server is not valid HTTP.',
        'what is registered for the server, or the token, can not be sent as HTTP',
      );
    default:
      return { kind: 'unanswered', cause: CAUSES[code], sent };
  }
}
