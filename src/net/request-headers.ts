import { ACCEPTED_ENCODINGS } from './answer-body.ts';
import { type GuardedRequestInit, NetworkError } from './network.ts';

/**
 * Callers may not set these: `host` would choose the name that TLS is verified against, and the others belong to the
 * connection. RFC 9110 §7.6.1.
 */
const CONNECTION_HEADERS: readonly string[] = [
  'host',
  'content-length',
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
];

/**
 * Returns the headers of a request: the caller's, without those of the connection, plus those that fetch would add.
 *
 * @throws NetworkError `invalid-request` for a name or a value that is not valid HTTP
 */
export function requestHeaders({ headers: given, body }: GuardedRequestInit): Headers {
  const headers = copyOf(given);
  for (const name of CONNECTION_HEADERS) headers.delete(name);
  const defaults: Record<string, string> = {
    accept: '*/*',
    'accept-encoding': ACCEPTED_ENCODINGS,
    // Some API servers, GitHub's among them, refuse requests without one.
    'user-agent': 'latchkey',
    ...(typeof body === 'string' && { 'content-type': 'text/plain;charset=UTF-8' }),
    ...(body instanceof URLSearchParams && {
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    }),
  };
  for (const [name, value] of Object.entries(defaults)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

function copyOf(given: GuardedRequestInit['headers']): Headers {
  try {
    return new Headers(given);
  } catch (cause) {
    throw new NetworkError('invalid-request', false, { cause });
  }
}
