/**
 * The types of the guarded fetch, through which every request goes that a user or a remote server can influence. Other
 * folders import this file; only the composition in `process/` creates a guarded fetch.
 */

/** Who gave an address: a user (deposits) or an admin (registered servers). */
export type AddressSource = 'user' | 'admin';

/**
 * `public` allows https to public addresses, and to private ones that an admin registered. `development` also allows
 * http and loopback.
 */
export type NetworkPolicy = 'public' | 'development';

export interface GuardedRequestInit {
  method?: string;
  /** Headers of the connection (`Host`, `Content-Length`, `Connection`, …) are left out. */
  headers?: Headers | Record<string, string>;
  body?: string | URLSearchParams | null;
  signal?: AbortSignal | null;
  addressFrom: AddressSource;
  /** Milliseconds until the connection is open (DNS, TCP and TLS). Default 5,000, at most 10,000. */
  connectTimeoutMs?: number;
  /** Milliseconds from the first byte of the request to the head of the answer. Default 60,000. */
  headersTimeoutMs?: number;
  /** Milliseconds between two chunks of the answer's body. Default 60,000; 0 means no limit. */
  bodyTimeoutMs?: number;
  /** The most decoded bytes of the answer's body, which fails beyond them (`body-too-large`). Default 1 MiB. */
  maxBodyBytes?: number;
  /**
   * Called when the connection is open, right before the first byte of the request is handed to the socket, and never
   * again for the same request. If it throws, the request is not sent (`vetoed`).
   */
  beforeFirstByte?: () => void;
}

/**
 * The only way out of the process for requests that a user or a remote server can influence. Never follows a redirect:
 * a 3xx is returned as it is. Never sends a request twice. The caller must read or cancel the body of every answer,
 * which holds the connection until then.
 *
 * @throws NetworkError before the answer's head has arrived; reading the body may throw it too
 */
export type GuardedFetch = (url: string | URL, init: GuardedRequestInit) => Promise<Response>;

export type NetworkErrorCode =
  | 'invalid-url'
  | 'scheme-refused'
  | 'userinfo-refused'
  /** The method or a header is not valid HTTP. */
  | 'invalid-request'
  | 'address-refused'
  | 'dns-failed'
  | 'connect-refused'
  | 'connect-timeout'
  | 'tls-failed'
  /** The egress proxy can't be reached, or opens no tunnel to the server. */
  | 'proxy-failed'
  | 'vetoed'
  | 'headers-timeout'
  | 'body-timeout'
  | 'body-too-large'
  | 'reset'
  /** The answer is not valid HTTP, or its body does not decode. */
  | 'malformed-answer'
  | 'aborted';

/** A request without a usable answer. `sent`: a byte of it was handed to a socket. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;
  readonly sent: boolean;

  constructor(code: NetworkErrorCode, sent: boolean, options?: ErrorOptions) {
    super(`network: ${code}${sent ? ' after sending' : ''}`, options);
    this.name = 'NetworkError';
    this.code = code;
    this.sent = sent;
  }
}
