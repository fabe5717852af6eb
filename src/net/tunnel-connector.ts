import { isIP, type Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { buildConnector, Pool } from 'undici';
import { withDeadline } from '../async/deadline.ts';
import { addressAllowed } from './address-policy.ts';
import type { EgressProxy, TunnelOutcome } from './egress-proxy.ts';
import { CONNECT_CEILING_MS } from './guarded-connector.ts';
import { type AddressSource, NetworkError, type NetworkPolicy } from './network.ts';
import { networkFailure } from './network-failure.ts';
import { nameAllowedThroughProxy } from './proxy-name-policy.ts';

export interface TunnelOptions {
  policy: NetworkPolicy;
  trustedCertificates?: readonly string[] | undefined;
}

/** Opens tunnels through one proxy. */
export interface Tunnels {
  connectorFor(source: AddressSource): buildConnector.connector;
  /** Ends the tunnels that are being opened. Open ones belong to their agents. */
  destroy(): Promise<void>;
}

/**
 * Connects through a proxy by CONNECT (RFC 9110 §9.3.6), for http too: what the proxy itself answers can then never be
 * taken for the server's answer. The proxy sees the host and port, and of https nothing else, because TLS ends at the
 * server, whose certificate is verified here.
 *
 * undici's `ProxyAgent` does the same, but has no place to judge the address, and reports a refusal only as text.
 */
export function createTunnels(proxy: EgressProxy, options: TunnelOptions): Tunnels {
  const tls = {
    timeout: CONNECT_CEILING_MS,
    allowH2: false,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ...(options.trustedCertificates && { ca: [...rootCertificates, ...options.trustedCertificates] }),
  };
  const pool = new Pool(proxy.origin, { connect: buildConnector(tls), allowH2: false });
  return {
    connectorFor(source) {
      const secure = buildConnector(tls);
      return (target, callback) => {
        if (!targetAllowed(target.hostname, options.policy, source)) {
          callback(new NetworkError('address-refused', false), null);
          return;
        }
        openTunnel(pool, proxy, target).then(
          (socket) => {
            if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback);
            else callback(null, socket);
          },
          (failure: Error) => callback(failure, null),
        );
      };
    },
    destroy: () => pool.destroy(),
  };
}

function targetAllowed(hostname: string, policy: NetworkPolicy, source: AddressSource): boolean {
  return isIP(hostname) === 0
    ? nameAllowedThroughProxy(hostname, policy, source)
    : addressAllowed(hostname, policy, source);
}

/** @throws NetworkError `proxy-failed` */
async function openTunnel(pool: Pool, proxy: EgressProxy, target: buildConnector.Options): Promise<Socket> {
  const authority = authorityOf(target);
  const answer = await requestTunnel(pool, proxy, authority);
  const outcome = outcomeOf(answer, proxy, authority);
  proxy.report?.(outcome);
  if (outcome.kind === 'opened' && 'socket' in answer) return answer.socket;
  if ('socket' in answer) answer.socket.on('error', () => {}).destroy();
  throw new NetworkError('proxy-failed', false, 'failure' in answer ? { cause: answer.failure } : {});
}

type ProxyAnswer = { statusCode: number; socket: Socket } | { failure: unknown };

async function requestTunnel(pool: Pool, proxy: EgressProxy, authority: string): Promise<ProxyAnswer> {
  const { authorization } = proxy;
  const headers = { host: authority, ...(authorization && { 'proxy-authorization': authorization }) };
  try {
    const { statusCode, socket } = await withDeadline({ ms: CONNECT_CEILING_MS }, (signal) =>
      pool.connect({ path: authority, headers, signal }),
    );
    // The cast: undici's type says Duplex, but a CONNECT returns the connection's own socket.
    return { statusCode, socket: socket as Socket };
  } catch (failure) {
    return { failure };
  }
}

function outcomeOf(answer: ProxyAnswer, { origin }: EgressProxy, target: string): TunnelOutcome {
  if ('failure' in answer) return { kind: 'unreachable', cause: causeOf(answer.failure, origin) };
  const { statusCode: status } = answer;
  return status >= 200 && status < 300 ? { kind: 'opened' } : { kind: 'refused', target, status };
}

function causeOf(failure: unknown, origin: string): string {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns-failed';
  if (failure instanceof DOMException) return 'connect-timeout';
  return networkFailure(failure, { sent: false, secure: origin.startsWith('https:') }).code;
}

/** CONNECT names the port always, and an IPv6 address in brackets. RFC 9112 §3.2.3 */
function authorityOf({ hostname, port, protocol }: buildConnector.Options): string {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
  return `${host}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
