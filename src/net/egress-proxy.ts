/** The HTTP proxy through which all requests of the guarded fetch leave (`EGRESS_PROXY`). */
export interface EgressProxy {
  /** `http://proxy.internal:3128`, without user and password. */
  origin: string;
  /** The value of `Proxy-Authorization`, a secret. RFC 9110 §11.7.2 */
  authorization?: string | undefined;
  /** Receives how each attempt to open a tunnel ended, for the operator's log. */
  report?: ((outcome: TunnelOutcome) => void) | undefined;
}

/** `target` is `host:port` of the server that the tunnel is for. */
export type TunnelOutcome =
  | { kind: 'opened' }
  /** The proxy answered CONNECT with this status. 407: it does not accept Latchkey's credentials. */
  | { kind: 'refused'; target: string; status: number }
  /** The proxy itself could not be reached, or did not answer as a proxy. */
  | { kind: 'unreachable'; cause: string };
