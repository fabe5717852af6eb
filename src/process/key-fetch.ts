import type { EgressProxy } from '../net/egress-proxy.ts';
import { createGuardedFetch } from '../net/guarded-fetch.ts';

/** Reads the keys of `JWT_JWKS_URL`. */
export interface KeyFetch {
  fetch(url: string, init: { headers: Headers; signal: AbortSignal }): Promise<Response>;
  close(): Promise<void>;
}

/**
 * Fetches the issuer's keys through the egress proxy. `NETWORK_POLICY` does not apply, as without a proxy: the
 * operator's own setting names the address, and it may be http.
 */
export function createKeyFetch(egressProxy: EgressProxy): KeyFetch {
  const { fetch, close } = createGuardedFetch({ policy: 'development', egressProxy });
  return {
    fetch: (url, { headers, signal }) => fetch(url, { headers, signal, addressFrom: 'admin' }),
    close: () => close(0),
  };
}
