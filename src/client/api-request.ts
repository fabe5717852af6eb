import { withDeadline } from '../async/deadline.ts';
import { isObject } from '../contracts/is-object.ts';
import { retryAfterMs } from '../oauth/retry-after.ts';
import type { FieldError } from '../schemas/field-errors.ts';
import { problemSchema } from '../schemas/http-problem.ts';

/** Where Latchkey's HTTP API is, and as whom it is asked. */
export interface LatchkeyApiOptions {
  /** The address of `latchkey server`, which may have a path. */
  url: string;
  /** The user's token, or a function that fetches it, which is called before every request. */
  token: string | (() => string | Promise<string>);
  /**
   * The user for whom the requests act. The token is then that of a backend, with the scope `latchkey:act-for-users`.
   * Default: the token's own user. An id that begins or ends with a space can't be named.
   */
  user?: string;
}

export interface LatchkeyApiErrorOptions extends ErrorOptions {
  fields?: readonly FieldError[];
  retryAfterMs?: number | undefined;
}

/** The API refused the request or gave no usable response. */
export class LatchkeyApiError extends Error {
  /** The HTTP status. Undefined if there was no response. */
  readonly status: number | undefined;
  /** The problem's stable code, `unreachable`, or `unexpected-answer` where something else than the API responded. */
  readonly code: string;
  /** The fields that are wrong, with `invalid-request` and `number-not-exact`. */
  readonly fields: readonly FieldError[];
  /** What the response says about when to ask again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number | undefined,
    code: string,
    message: string,
    options: LatchkeyApiErrorOptions = {},
  ) {
    super(message, options);
    this.name = 'LatchkeyApiError';
    this.status = status;
    this.code = code;
    this.fields = options.fields ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  path: string;
  /** Sent as JSON. */
  body?: object;
  /** The media type that is asked for. Default: JSON. */
  accept?: string;
  signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 60_000;

/** A 2xx answer. Some have no body: 204, and 202 of a cancellation. */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

/**
 * Returns the body of a 2xx answer, or undefined where it has none.
 *
 * @throws LatchkeyApiError, or the reason of `signal`
 */
export async function requestApi(options: LatchkeyApiOptions, request: ApiRequest): Promise<unknown> {
  return (await answerOfApi(options, request)).body;
}

/** Like `requestApi`, with the status, for routes where it says more than the body. */
export function answerOfApi(options: LatchkeyApiOptions, request: ApiRequest): Promise<ApiAnswer> {
  return withDeadline({ ms: TIMEOUT_MS, parent: request.signal }, async (signal) => {
    assertNameable(options.user);
    const response = await send(options, request, signal).catch(unreachable(request.signal));
    const text = await response.text().catch(unreachable(request.signal));
    const body = parsed(text);
    const isExpected = isObject(body) || (text === '' && [202, 204].includes(response.status));
    if (response.ok && isExpected) return { status: response.status, body };
    throw refusalOf(response, body);
  });
}

/**
 * Returns a 2xx answer whose body is still to be read, however long that takes.
 *
 * @throws LatchkeyApiError, or the reason of `signal`
 */
export async function openApi(options: LatchkeyApiOptions, request: ApiRequest): Promise<Response> {
  assertNameable(options.user);
  const { signal = new AbortController().signal } = request;
  const response = await send(options, request, signal).catch(unreachable(request.signal));
  if (response.ok) return response;
  throw refusalOf(response, await response.json().catch(() => undefined));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function send(
  { url, token, user }: LatchkeyApiOptions,
  { method, path, body, accept = 'application/json' }: ApiRequest,
  signal: AbortSignal,
): Promise<Response> {
  const authorization = `Bearer ${typeof token === 'string' ? token : await token()}`;
  const headers = {
    authorization,
    accept,
    ...(user !== undefined && {
      // A header holds bytes, which `fetch` takes as characters: those of the id in UTF-8.
      'latchkey-user': Buffer.from(user).toString('latin1'),
    }),
    ...(body && { 'content-type': 'application/json' }),
  };
  return fetch(`${url.replace(/\/+$/, '')}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal,
  });
}

/** HTTP removes spaces at the ends of a header, so such an id would name another user. */
function assertNameable(user: string | undefined): void {
  if (user === undefined || (user !== '' && user === user.trim())) return;
  throw new RangeError('the user id is empty, or begins or ends with a space');
}

function refusalOf({ status, headers }: Response, body: unknown): LatchkeyApiError {
  const { data: problem } = problemSchema.safeParse(body);
  const options = { retryAfterMs: retryAfterMs(headers.get('retry-after'), headers.get('date')) };
  if (problem === undefined) {
    return new LatchkeyApiError(status, 'unexpected-answer', `an answer of status ${status}`, options);
  }
  const { code, detail, errors: fields = [] } = problem;
  return new LatchkeyApiError(status, code, detail, { ...options, fields });
}

/** Whether the API may answer the same request later: it is away, restarts, or is busy. */
export function isOutage(error: unknown): error is LatchkeyApiError {
  if (!(error instanceof LatchkeyApiError)) return false;
  return error.status === undefined || [429, 502, 503, 504].includes(error.status);
}

function unreachable(signal: AbortSignal | undefined): (error: unknown) => never {
  return (cause) => {
    signal?.throwIfAborted();
    throw new LatchkeyApiError(undefined, 'unreachable', "Latchkey's API can not be reached", { cause });
  };
}
