import { isIP } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import type { AddressSource, NetworkPolicy } from './network.ts';

/** Allowed for servers that an admin registered, which may be behind a VPN. */
const PRIVATE_RANGES: readonly string[] = ['private', 'uniqueLocal', 'carrierGradeNat'];

/**
 * Cloud services that hand out credentials to whatever runs there, at addresses that the ranges below would allow.
 * Those in link-local ranges (169.254.169.254, 169.254.170.2, 169.254.170.23) are never allowed, so they are not
 * listed.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html fd00:ec2::254
 * @see https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html fd00:ec2::23
 * @see https://cloud.google.com/compute/docs/metadata/querying-metadata fd20:ce::254
 * @see https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
 * @see https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata 100.100.100.200, fd00:100::100:200
 * @see https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm fd00:c1::a9fe:a9fe
 * @see https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service fd00:a9fe:a9fe::1
 */
const METADATA_RANGES: readonly [IPv4 | IPv6, number][] = [
  '168.63.129.16/32', // Azure, in public space
  '100.100.100.200/32', // Alibaba, in carrier-grade NAT space
  'fd00:100::100:200/128', // Alibaba
  '100.96.0.96/32', // Volcano Engine, in carrier-grade NAT space
  '192.0.0.192/32', // Oracle
  'fd00:c1::a9fe:a9fe/128', // Oracle
  'fd00:a9fe:a9fe::1/128', // Akamai
  'fd00:ec2::/32', // AWS: all of its link-local services in unique local space
  'fd20:ce::254/128', // Google
  'fd00:42::42/128', // Scaleway
].map((range) => ipaddr.parseCIDR(range));

/** The IPv4 address that most clouds use, as the last 32 bits of their addresses in unique local space. */
const METADATA_SUFFIX = [0xa9fe, 0xa9fe];

/** The IPv6 space that IANA assigns as global unicast. For ipaddr.js the unassigned rest is unicast too. */
const GLOBAL_UNICAST: [IPv6, number] = [new ipaddr.IPv6([0x2000, 0, 0, 0, 0, 0, 0, 0]), 3];

/** RFC 6052 §2.1. The local-use prefix of RFC 8215 is never allowed: its IPv4 address has no fixed place. */
const NAT64: [IPv6, number] = [new ipaddr.IPv6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0]), 96];

/**
 * Whether a connection to a resolved address is allowed: always to public addresses, to private ones where an admin
 * gave the address, to loopback in `development`. An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4) is
 * judged by that one, an ISATAP address by both. Anything that is not an IP address is refused.
 *
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function addressAllowed(address: string, policy: NetworkPolicy, source: AddressSource): boolean {
  // A zone (RFC 4007 §11) names a link of this machine, so a server elsewhere has no such address.
  if (isIP(address) === 0 || address.includes('%')) return false;
  return addressesIn(ipaddr.parse(normalized(address))).every((one) => isAllowed(one, policy, source));
}

function isAllowed(target: IPv4 | IPv6, policy: NetworkPolicy, source: AddressSource): boolean {
  if (isMetadata(target)) return false;
  const range: string = target.range();
  if (range === 'loopback') return policy === 'development';
  if (PRIVATE_RANGES.includes(range)) return source === 'admin';
  return range === 'unicast' && (isV4(target) || target.match(GLOBAL_UNICAST));
}

function isMetadata(target: IPv4 | IPv6): boolean {
  if (METADATA_RANGES.some((range) => isWithin(target, range))) return true;
  const isLocalV6 = !isV4(target) && target.range() === 'uniqueLocal';
  return isLocalV6 && METADATA_SUFFIX.every((part, n) => target.parts[6 + n] === part);
}

// Resolvers write IPv4-compatible addresses (RFC 4291 §2.5.5.1, deprecated) as `::1.2.3.4`. ipaddr.js takes that for a
// mapped address, which is judged as IPv4. In hexadecimal the address falls into no allowed range.
function normalized(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}

function isWithin(address: IPv4 | IPv6, [base, bits]: [IPv4 | IPv6, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/** Returns the addresses that an address leads to: one, or two for ISATAP, whose prefix is an address of its own. */
function addressesIn(address: IPv4 | IPv6): (IPv4 | IPv6)[] {
  const target = unwrap(address);
  if (isV4(target) || !isIsatap(target)) return [target];
  return [target, new ipaddr.IPv4(target.toByteArray().slice(12))];
}

// RFC 5214 §6.1: the interface identifier is `0:5efe` or `200:5efe` and an IPv4 address.
function isIsatap({ parts }: IPv6): boolean {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200);
}

function unwrap(address: IPv4 | IPv6): IPv4 | IPv6 {
  if (isV4(address)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(NAT64)) return new ipaddr.IPv4(address.toByteArray().slice(12));
  if (address.range() === '6to4') return new ipaddr.IPv4(address.toByteArray().slice(2, 6)); // RFC 3056 §2
  return address;
}

function isV4(address: IPv4 | IPv6): address is IPv4 {
  return address.kind() === 'ipv4';
}
