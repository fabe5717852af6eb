import type { Dispatcher } from 'undici';
import { answerResponse } from './answer-response.ts';
import { type Connections, createConnections } from './connections.ts';
import type { EgressProxy } from './egress-proxy.ts';
import { createGuardedConnector, type Lookup } from './guarded-connector.ts';
import {
  type AddressSource,
  type GuardedFetch,
  type GuardedRequestInit,
  NetworkError,
  type NetworkPolicy,
} from './network.ts';
import { type OutboundUrlRules, parseOutboundUrl } from './outbound-url.ts';
import { requestHeaders } from './request-headers.ts';
import { createRunningExchanges, type ExchangeLimits } from './running-exchanges.ts';
import { createTunnels } from './tunnel-connector.ts';

export interface GuardedFetchOptions {
  policy: NetworkPolicy;
  /** Default: the system's resolver. */
  lookup?: Lookup;
  /** PEM certificates that are trusted in addition to Node's own certificate authorities. */
  trustedCertificates?: readonly string[];
  /** All connections go through this proxy, which also resolves the names: the policy judges only names and literals. */
  egressProxy?: EgressProxy | undefined;
}

export interface ClosableGuardedFetch {
  fetch: GuardedFetch;
  /** Refuses new requests and aborts the running ones after `graceMs` (default 5,000). */
  close(graceMs?: number): Promise<void>;
}

/**
 * Creates a guarded fetch with its own connections. Proxy variables such as `HTTPS_PROXY` have no effect.
 *
 * It does not use undici's `fetch`, which sends a request again after a 421 and turns a 407 into an error: a request
 * must go out at most once, and the caller must learn its status.
 */
export function createGuardedFetch(options: GuardedFetchOptions): ClosableGuardedFetch {
  const { policy, egressProxy } = options;
  const tunnels = egressProxy && createTunnels(egressProxy, options);
  const connectionsOf = (source: AddressSource) =>
    createConnections(tunnels?.connectorFor(source) ?? createGuardedConnector({ source, ...options }));
  const connections: Record<AddressSource, Connections> = {
    user: connectionsOf('user'),
    admin: connectionsOf('admin'),
  };
  const running = createRunningExchanges();
  return {
    async fetch(address, init) {
      const url = acceptedUrl(address, { policy, addressFrom: init.addressFrom });
      const method = init.method?.toUpperCase() ?? 'GET';
      const { agent, full } = connections[init.addressFrom];
      // `reset` is never set to false, because undici then keeps the connection after a HEAD, whose answer may wrongly
      // have a body.
      const request = { ...requestOf(url, init), method, ...(full() && { reset: true }) };
      const head = await running.start(exchangeLimits(url, init), (exchange) =>
        agent.dispatch(request, exchange),
      );
      return answerResponse(head, { method, maxBodyBytes: init.maxBodyBytes ?? 1_048_576 });
    },
    async close(graceMs = 5_000) {
      await running.finish(graceMs);
      await Promise.all([connections.user.agent.destroy(), connections.admin.agent.destroy()]);
      await tunnels?.destroy();
    },
  };
}

function acceptedUrl(address: string | URL, rules: OutboundUrlRules): URL {
  const parsed = parseOutboundUrl(address, rules);
  if (parsed.kind === 'refused') throw new NetworkError(parsed.code, false);
  return parsed.url;
}

function requestOf(url: URL, init: GuardedRequestInit): Omit<Dispatcher.DispatchOptions, 'method'> {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    headers: requestHeaders(init),
    body: init.body == null ? null : String(init.body),
    // `Exchange` has its own timer: undici restarts this one with every 1xx, and rounds it by half a second.
    headersTimeout: 0,
    bodyTimeout: init.bodyTimeoutMs ?? 60_000,
  };
}

function exchangeLimits(url: URL, init: GuardedRequestInit): ExchangeLimits {
  return {
    secure: url.protocol === 'https:',
    connectTimeoutMs: init.connectTimeoutMs ?? 5_000,
    headersTimeoutMs: init.headersTimeoutMs ?? 60_000,
    beforeFirstByte: init.beforeFirstByte,
    signal: init.signal ?? undefined,
  };
}
