import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { buildConnector, errors } from 'undici';
import { addressAllowed } from './address-policy.ts';
import { type AddressSource, NetworkError, type NetworkPolicy } from './network.ts';
import { type Attempt, type Connected, raceAddresses } from './race-addresses.ts';

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
  // The cast: undici's connector returns its socket, which its type does not say.
  const connect = buildConnector({
    timeout: CONNECT_CEILING_MS,
    allowH2: false,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ...(options.trustedCertificates && { ca: [...rootCertificates, ...options.trustedCertificates] }),
  }) as ConnectReturningSocket;
  const lookup = guardLookup(options);
  return (target, callback) => {
    // Literals skip the lookup.
    if (isIP(target.hostname) !== 0) {
      if (addressAllowed(target.hostname, options.policy, options.source)) connect(target, callback);
      else callback(new NetworkError('address-refused', false), null);
      return;
    }
    connectToName(lookup, connect, target, callback);
  };
}

type ConnectReturningSocket = (...args: Parameters<buildConnector.connector>) => Socket;

function connectToName(
  lookup: LookupFunction,
  connect: ConnectReturningSocket,
  target: buildConnector.Options,
  connected: Connected,
): void {
  const deadline = performance.now() + CONNECT_CEILING_MS;
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    connected(new errors.ConnectTimeoutError(), null);
  }, CONNECT_CEILING_MS);
  // `host` keeps the name: undici takes from it what TLS is to ask for and to verify.
  const attempt: Attempt = (hostname, done) =>
    connect({ ...target, host: target.host ?? target.hostname, hostname }, done);
  lookup(target.hostname, { all: true }, (error, found) => {
    if (late) return;
    clearTimeout(limit);
    if (error !== null) return connected(error, null);
    // With `all` the answer is a list.
    const addresses = found as LookupAddress[];
    raceAddresses({ addresses, limitMs: deadline - performance.now(), attempt }, connected);
  });
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
