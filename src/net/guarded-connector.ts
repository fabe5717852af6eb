import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { buildConnector, errors } from 'undici';
import { addressAllowed } from './address-policy.ts';
import { type AddressSource, NetworkError, type NetworkPolicy } from './network.ts';
import { type Attempt, type Connected, raceAddresses } from './race-addresses.ts';

/** Returns all addresses of a host name. */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>;

export interface ConnectorOptions {
  policy: NetworkPolicy;
  source: AddressSource;
  lookup?: Lookup | undefined;
  trustedCertificates?: readonly string[] | undefined;
}

/** The longest time that opening a connection may take, ms. The request that needed it may be over before. */
export const CONNECT_CEILING_MS = 10_000;

/**
 * Connects to allowed addresses only. A host name is looked up once for each connection, and the connection goes to the
 * addresses that passed the policy, so a second answer of the DNS server (rebinding) has no effect. TLS still names the
 * host in SNI and verifies the certificate against it.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  // The cast: undici's connector returns its socket, but its type does not say so.
  const connect = buildConnector({
    timeout: CONNECT_CEILING_MS,
    allowH2: false,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ...(options.trustedCertificates && { ca: [...rootCertificates, ...options.trustedCertificates] }),
  }) as ConnectReturningSocket;
  const lookup = guardLookup(options);
  return (target, callback) => {
    // An address literal needs no lookup.
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
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    connected(new errors.ConnectTimeoutError(), null);
  }, CONNECT_CEILING_MS);
  // `host` keeps the name, which undici uses for SNI and to verify the certificate.
  const attempt: Attempt = (hostname, done) =>
    connect({ ...target, host: target.host ?? target.hostname, hostname }, done);
  lookup(target.hostname, { all: true }, (error, found) => {
    if (timedOut) return;
    clearTimeout(limit);
    if (error !== null) return connected(error, null);
    // The cast: with `all` the result is a list.
    const addresses = found as LookupAddress[];
    raceAddresses({ addresses, limitMs: deadline - performance.now(), attempt }, connected);
  });
}

/** Leaves out the addresses that are not allowed. Fails with `address-refused` when none is left. */
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
