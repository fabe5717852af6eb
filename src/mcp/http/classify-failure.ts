/**
 * Decides what a request without a JSON-RPC response means, by facts alone: the HTTP status, the challenge, the network
 * error. A server's text never decides here, because it must not cost a user the grant.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#error-handling
 */
import { NetworkError, type NetworkErrorCode } from '../../net/network.ts';
import { retryAfterMs } from '../../oauth/retry-after.ts';
import { JsonOverLimit } from '../../turns/json-limits.ts';
import { protocolError, tooLarge } from '../mcp-failure.ts';
import type { FailureCause, Lost, McpFailure, NotSent, RequestFailure } from '../port.ts';
import { HttpRefusal, type RefusalFacts, ServerFloods, StreamEnded, UnusableAnswer } from './failures.ts';
import type { RpcAnswer, RpcError } from './rpc-answer.ts';
import { insufficientScope } from './www-authenticate.ts';

/**
 * The server does not know the session, and therefore did nothing. `failure` is the outcome if a new session does
 * not help; `error` is the JSON-RPC error that the request itself was answered with.
 */
export type SessionLost = { kind: 'session-lost'; failure?: McpFailure; error?: RpcError };

/** The outcome of one JSON-RPC request. A JSON-RPC error is an answer. */
export type RequestOutcome = RpcAnswer | RequestFailure | SessionLost;

/** Returns undefined for an error that is none of the transport's. */
export function classifyFailure(error: unknown, nowMs: number): RequestFailure | SessionLost | undefined {
  if (error instanceof HttpRefusal) return classifyRefusal(error.facts, nowMs);
  if (error instanceof NetworkError) return classifyNetworkError(error);
  if (error instanceof StreamEnded) return { kind: 'lost', cause: 'stream-ended' };
  // The tool may have run: no answer came, as when the stream ends.
  if (error instanceof ServerFloods) return { kind: 'lost', cause: 'flooded' };
  if (error instanceof JsonOverLimit) return overLimit(error);
  if (error instanceof UnusableAnswer)
    return protocolError('The MCP server’s answer could not be understood.', error.message);
  return undefined;
}

/** `sent`: a byte of the request was handed to a socket, so the server may have acted on it. */
export function notAnswered(cause: FailureCause, sent: boolean): NotSent | Lost {
  return { kind: sent ? 'lost' : 'not-sent', cause };
}

function overLimit({ limit, message }: JsonOverLimit): McpFailure {
  return limit === 'nesting'
    ? protocolError('The MCP server’s answer nests too deeply.', message)
    : tooLarge(message);
}

function classifyRefusal(facts: RefusalFacts, nowMs: number): RequestFailure | SessionLost {
  const { status } = facts;
  if (status === 401) return { kind: 'unauthorized' };
  if (status === 403) return classifyForbidden(facts.wwwAuthenticate);
  // MCP 2025-11-25, basic/transports#session-management: a 404 to a request with a session id means that the session
  // is over and the client has to initialize a new one.
  if (status === 404 && facts.sessionNamed) return { kind: 'session-lost' };
  if (status === 429) return { kind: 'not-sent', cause: 'rate-limited', ...waiting(facts, nowMs) };
  if (status === 503) return { kind: 'not-sent', cause: 'unavailable', ...waiting(facts, nowMs) };
  // A gateway's 502 or 504, or a crash: the tool may have run.
  if (status >= 500) return { kind: 'lost', cause: 'server-error' };
  return unusableStatus(facts);
}

/** A status that has no meaning of its own here. */
export function unusableStatus({ status, redirectsTo }: RefusalFacts): McpFailure {
  if (redirectsTo !== undefined) return redirected(status, redirectsTo);
  return protocolError(
    `The MCP server answered HTTP ${status}.`,
    `HTTP ${status}: the registered URL, or a proxy in front of it, does not serve MCP there`,
  );
}

function redirected(status: number, redirectsTo: string): McpFailure {
  return protocolError(
    `The MCP server answered HTTP ${status}.`,
    `HTTP ${status}, a redirect to ${redirectsTo}: a token follows none but 307 and 308 to the registered URL with or without its last slash; register the URL that serves MCP`,
  );
}

function classifyForbidden(wwwAuthenticate: string | null): RequestFailure {
  const challengedScopes = insufficientScope(wwwAuthenticate);
  if (challengedScopes !== undefined) return { kind: 'insufficient-scope', challengedScopes };
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
  'proxy-failed': 'proxy-failed',
  vetoed: 'cancelled',
  'headers-timeout': 'timeout',
  'body-timeout': 'timeout',
  reset: 'reset',
  // Includes an answer that was cut short: the tool may have run.
  'malformed-answer': 'server-error',
  aborted: 'cancelled',
};

function classifyNetworkError({ code, sent }: NetworkError): RequestFailure {
  switch (code) {
    case 'body-too-large':
      return tooLarge("the answer is over the server's maxResultBytes");
    case 'invalid-request':
      return protocolError(
        'The request to the MCP server is not valid HTTP.',
        'what is registered for the server, or the token, can not be sent as HTTP',
      );
    default:
      return notAnswered(CAUSES[code], sent);
  }
}
