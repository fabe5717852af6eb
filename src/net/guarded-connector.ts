import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { buildConnector } from 'undici';
import { addressAllowed } from './address-policy.ts';
import { type AddressSource, NetworkError, type NetworkPolicy } from './network.ts';

/** All addresses of a host name. */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>;

export interface ConnectorOptions {
  policy: NetworkPolicy;
  source: AddressSource;
  lookup?: Lookup | undefined;
  trustedCertificates?: readonly string[] | undefined;
}

/** After so long a connection that nobody may be waiting for any more is given up, in milliseconds. */
export const CONNECT_CEILING_MS = 10_000;

/**
 * Connects to allowed addresses only. The addresses that pass the policy are the ones that are connected
 * to: a host name is looked up once for a connection, so that a second answer of its DNS server
 * (rebinding) has no effect. TLS is still asked for, and verified against, the name.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardLookup(options),
    autoSelectFamily: true,
    timeout: CONNECT_CEILING_MS,
    allowH2: false,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ...(options.trustedCertificates && { ca: [...rootCertificates, ...options.trustedCertificates] }),
  });
  return (target, callback) => {
    // Literals skip the lookup.
    if (isIP(target.hostname) !== 0 && !addressAllowed(target.hostname, options.policy, options.source)) {
      callback(new NetworkError('address-refused', false), null);
      return;
    }
    connect(target, callback);
  };
}

/** Drops the addresses that are not allowed; `address-refused` when none is left. */
export function guardLookup({ policy, source, lookup = lookupAll }: ConnectorOptions): LookupFunction {
  return (hostname, { all }: LookupOptions, callback) => {
    lookup(hostname).then(
      (found) => {
        const allowed = found.filter(({ address }) => addressAllowed(address, policy, source));
        const [first] = allowed;
        if (first === undefined) callback(new NetworkError('address-refused', false), []);
        else if (all) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (cause: unknown) => callback(new NetworkError('dns-failed', false, { cause }), []),
    );
  };
}

function lookupAll(hostname: string): Promise<LookupAddress[]> {
  return systemLookup(hostname, { all: true });
}
