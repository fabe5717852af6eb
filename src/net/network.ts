/** Whose word an address is: a user's (deposits) or an admin's (registered servers). */
export type AddressSource = 'user' | 'admin';

/** `public`: https to public addresses, private ones only where an admin registered them. `development`: also http and loopback. */
export type NetworkPolicy = 'public' | 'development';

export interface GuardedRequestInit {
  method?: string;
  /** Headers of the connection (`Host`, `Content-Length`, `Connection`, …) are left out. */
  headers?: Headers | Record<string, string>;
  body?: string | URLSearchParams | null;
  signal?: AbortSignal | null;
  addressFrom: AddressSource;
  /** Milliseconds to a standing connection (DNS, TCP and TLS). Default 5,000, at most 10,000. */
  connectTimeoutMs?: number;
  /** Milliseconds from the first byte of the request to the head of the answer. Default 60,000. */
  headersTimeoutMs?: number;
  /** Milliseconds between two chunks of the answer's body. Default 60,000; 0 is no limit. */
  bodyTimeoutMs?: number;
  /** The body of the answer, counted decoded, errors beyond it (`body-too-large`). Default 1 MiB. */
  maxBodyBytes?: number;
  /**
   * Called when the connection stands, right before the first byte of the request is handed to the
   * socket, and never again for the same request. Throwing here means: not sent (`vetoed`).
   */
  beforeFirstByte?: () => void;
}

/**
 * The one way out of the process for requests that a user or a remote server can influence.
 * Never follows a redirect: a 3xx is returned as it is. Never sends a request twice. The body of every
 * answer must be read or cancelled: it holds the connection until then.
 *
 * @throws NetworkError before an answer's head arrived; reading the body may throw it too.
 */
export type GuardedFetch = (url: string | URL, init: GuardedRequestInit) => Promise<Response>;

export type NetworkErrorCode =
  | 'invalid-url'
  | 'scheme-refused'
  | 'userinfo-refused'
  /** The method or a header is no HTTP. */
  | 'invalid-request'
  | 'address-refused'
  | 'dns-failed'
  | 'connect-refused'
  | 'connect-timeout'
  | 'tls-failed'
  | 'vetoed'
  | 'headers-timeout'
  | 'body-timeout'
  | 'body-too-large'
  | 'reset'
  /** The server sent what is no HTTP, or a body that does not decode. */
  | 'malformed-answer'
  | 'aborted';

/** A request without a usable answer. `sent` is a fact: whether a byte of it was handed to a socket. */
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
