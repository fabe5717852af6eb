import type { AddressSource, NetworkPolicy } from './network.ts';

/** Names of the machine itself, beside `localhost`, which `outbound-url.ts` refuses. */
const LOOPBACK_NAMES = /^(localhost\.localdomain|localhost[46]|ip6-localhost|ip6-loopback)$/;

/** Names of services that hand out credentials to whatever runs in a cloud. */
const METADATA_NAMES =
  /^(metadata|metadata\.google\.internal|metadata\.goog|instance-data(\.ec2\.internal)?)$/;

/**
 * Names that no public server has: without a dot, reserved for private use by ICANN (`internal`), RFC 6762 (`local`),
 * RFC 8375 (`home.arpa`), or Kubernetes' own.
 */
const PRIVATE_NAMES = /^[^.]+$|\.(internal|local|localdomain|home\.arpa|svc)$/;

/**
 * Whether a name may be passed to a proxy, which resolves it. Stands in for the check of the name's addresses, so it
 * only catches names that are private by themselves. The proxy has to refuse names that resolve to private addresses.
 *
 * @param name in lower case, as the URL parser writes it
 */
export function nameAllowedThroughProxy(name: string, policy: NetworkPolicy, source: AddressSource): boolean {
  if (METADATA_NAMES.test(name)) return false;
  if (policy === 'development') return true;
  return !LOOPBACK_NAMES.test(name) && (source === 'admin' || !PRIVATE_NAMES.test(name));
}
