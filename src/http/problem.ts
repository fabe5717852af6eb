import { STATUS_CODES } from 'node:http';
import { describeNumbers } from '../contracts/number-problems.ts';
import type { Problem, ProblemCode } from '../schemas/http-problem.ts';

export interface FieldError {
  /** Such as `auth.clientId`; empty for the whole. */
  path: string;
  message: string;
}

export interface HttpProblemOptions extends ErrorOptions {
  headers?: Record<string, string>;
  /** Extension members of the document. RFC 9457 §3.2. */
  members?: Record<string, unknown>;
}

/** Thrown by handlers and hooks to answer with a problem document. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Record<string, string>;
  readonly members: Record<string, unknown>;

  /** @param detail for the caller: never a secret, never what the caller sent */
  constructor(status: number, code: ProblemCode, detail: string, options: HttpProblemOptions = {}) {
    super(detail, options);
    this.name = 'HttpProblem';
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}

/** With `about:blank` the title is the status's own phrase. RFC 9457 §4.2.1. */
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

/** The tables that this version needs are not there, or not all of them. */
export const DATABASE_UNMIGRATED = 'The database lacks migrations: run `latchkey migrate`.';

const MAX_ERRORS = 100;
const MAX_TOLD = 5;
const KEY_RETRY_AFTER_MS = 30_000;
const METADATA_RETRY_AFTER_MS = 10_000;

/** @param whole what a problem without a path is of */
export function invalidFields(errors: FieldError[], whole = 'The request'): HttpProblem {
  return new HttpProblem(400, 'invalid-request', detailOf(errors, whole), {
    members: { errors: errors.slice(0, MAX_ERRORS) },
  });
}

/** A number of the body that would be passed on rounded. */
export function numbersNotExactAt(errors: FieldError[]): HttpProblem {
  const detail = `What can not be kept exactly: ${describeNumbers(errors)}.`;
  return new HttpProblem(400, 'number-not-exact', detail, { members: { errors } });
}

// Names the fields: many a client shows nothing but the detail.
function detailOf(errors: FieldError[], whole: string): string {
  const told = errors.slice(0, MAX_TOLD).map(({ path, message }) => `${path || whole} ${message}`);
  const more = errors.length - told.length;
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

export function invalidRequest(detail: string): HttpProblem {
  return new HttpProblem(400, 'invalid-request', detail);
}

export function unknownServer(): HttpProblem {
  return new HttpProblem(404, 'unknown-server', 'No MCP server is registered under this id.');
}

export function unknownStep(): HttpProblem {
  return new HttpProblem(404, 'unknown-step', 'You have no step with this id.');
}

export function notFound(): HttpProblem {
  return new HttpProblem(404, 'not-found', 'There is nothing at this address.');
}

/** Its metadata decide whether the token endpoint of a deposit is its own. */
export function authorizationServerUnavailable(): HttpProblem {
  const detail =
    "The metadata of the server's authorization server can't be had now, so tokenEndpoint can't be checked. Nothing was stored: try again.";
  return new HttpProblem(503, 'token-endpoint-unavailable', detail, {
    headers: retryAfter(METADATA_RETRY_AFTER_MS),
  });
}

/** Perhaps it is on its way to this process, so it is worth asking again. */
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

/** A part of the API that this version does not have yet. */
export function notAvailable(what: string): HttpProblem {
  return new HttpProblem(501, 'not-available', `${what} is not available in this version.`);
}

/** The header of RFC 9110 §10.2.3, in whole seconds. */
export function retryAfter(milliseconds: number): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(milliseconds / 1000))) };
}
