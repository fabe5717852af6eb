import { STATUS_CODES } from 'node:http';
import { describeNumbers } from '../contracts/number-problems.ts';
import { describeFields, type FieldError } from '../schemas/field-errors.ts';
import type { Problem, ProblemCode } from '../schemas/http-problem.ts';

export interface HttpProblemOptions extends ErrorOptions {
  headers?: Record<string, string>;
  /** Extension members of the problem document. RFC 9457 §3.2. */
  members?: Record<string, unknown>;
}

/** Handlers and hooks throw it to respond with a problem document. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Record<string, string>;
  readonly members: Record<string, unknown>;

  /** @param detail shown to the caller; never contains a secret or a value that the caller sent */
  constructor(status: number, code: ProblemCode, detail: string, options: HttpProblemOptions = {}) {
    super(detail, options);
    this.name = 'HttpProblem';
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}

/** With `about:blank`, the title is the standard phrase of the status. RFC 9457 §4.2.1. */
export function problemDocument(problem: HttpProblem): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...problem.members,
  };
}

/** The detail when a table that this version needs is missing. */
export const DATABASE_UNMIGRATED = 'The database lacks migrations: run `latchkey migrate`.';

const MAX_ERRORS = 100;
const KEY_RETRY_AFTER_MS = 30_000;
const METADATA_RETRY_AFTER_MS = 10_000;

/** @param whole what to call the object that an error without a path is about */
export function invalidFields(errors: FieldError[], whole = 'The request'): HttpProblem {
  return new HttpProblem(400, 'invalid-request', describeFields(errors, whole), {
    members: { errors: errors.slice(0, MAX_ERRORS) },
  });
}

/** The problem of a body with numbers that JavaScript would round. */
export function numbersNotExactAt(errors: FieldError[]): HttpProblem {
  const detail = `The body has numbers that can't be kept exactly: ${describeNumbers(errors)}.`;
  return new HttpProblem(400, 'number-not-exact', detail, { members: { errors } });
}

export function invalidRequest(detail: string): HttpProblem {
  return new HttpProblem(400, 'invalid-request', detail);
}

export function unknownServer(): HttpProblem {
  return new HttpProblem(404, 'unknown-server', 'No MCP server is registered under this id.');
}

export function accountMismatch(): HttpProblem {
  const detail =
    'This connection has another subject. Nothing was stored: send replace to replace it, or name another account.';
  return new HttpProblem(409, 'account-mismatch', detail);
}

/** The deposit said `onlyIfAbsent`. */
export function alreadyConnected(): HttpProblem {
  return new HttpProblem(409, 'already-connected', 'This account is connected. Nothing was stored.');
}

/** The deposit said `onlyIfAbsent` or `unlessDisconnected`. */
export function disconnected(): HttpProblem {
  const detail = 'This account was disconnected, or its user was forgotten. Nothing was stored.';
  return new HttpProblem(409, 'disconnected', detail);
}

export function unknownStep(): HttpProblem {
  return new HttpProblem(404, 'unknown-step', 'You have no step with this id.');
}

export function unknownConnectSession(): HttpProblem {
  return new HttpProblem(404, 'unknown-connect-session', 'You have no connect session with this id.');
}

export function tooManyRequests(detail: string, retryAfterMs: number): HttpProblem {
  return new HttpProblem(429, 'too-many-requests', detail, { headers: retryAfter(retryAfterMs) });
}

/** The user has too many connect sessions open. They end after 15 minutes. */
export function tooManyConnectSessions(): HttpProblem {
  return tooManyRequests('You have too many open links for connecting. Try again in a few minutes.', 60_000);
}

export function notFound(): HttpProblem {
  return new HttpProblem(404, 'not-found', 'There is nothing at this address.');
}

/** A deposit's token endpoint is checked against the metadata of the server's authorization server. */
export function authorizationServerUnavailable(): HttpProblem {
  const detail =
    "The metadata of the server's authorization server can't be read now, so tokenEndpoint can't be checked. Nothing was stored: try again.";
  return new HttpProblem(503, 'token-endpoint-unavailable', detail, {
    headers: retryAfter(METADATA_RETRY_AFTER_MS),
  });
}

/** Has a `Retry-After`, because the key may still be rolling out to this process. */
export function encryptionKeyMissing(kid: string): HttpProblem {
  const detail = `Encryption key ${kid}, which is still in use, is not configured.`;
  return new HttpProblem(503, 'encryption-key-missing', detail, { headers: retryAfter(KEY_RETRY_AFTER_MS) });
}

export function payloadEncryptionOff(): HttpProblem {
  return new HttpProblem(
    404,
    'payload-encryption-off',
    'PAYLOAD_KEYS is not set: there is nothing to decode.',
  );
}

/** The header `Retry-After` in whole seconds, at least 1. RFC 9110 §10.2.3. */
export function retryAfter(milliseconds: number): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(milliseconds / 1000))) };
}
