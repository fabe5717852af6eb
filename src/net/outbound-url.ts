import { isIP } from 'node:net';
import { isPlainUrl } from '../contracts/urls.ts';
import { addressAllowed } from './address-policy.ts';
import type { AddressSource, NetworkPolicy } from './network.ts';

export interface OutboundUrlRules {
  policy: NetworkPolicy;
  addressFrom: AddressSource;
}

export type OutboundUrl = { kind: 'accepted'; url: URL } | { kind: 'refused'; code: RefusedUrlCode };

export type RefusedUrlCode = 'invalid-url' | 'scheme-refused' | 'userinfo-refused' | 'address-refused';

/**
 * Checks a URL without DNS: for deposits and registrations, and before every request. `accepted` does not mean that a
 * connection is allowed, because a host name's addresses are checked when the connection is opened. A fragment makes
 * the URL invalid, because neither an endpoint (RFC 6749 §3.2) nor a resource (RFC 8707 §2) has one. So does anything
 * that two parsers may read differently.
 *
 * @see https://url.spec.whatwg.org/#host-parsing which writes decimal, octal and hexadecimal IPv4 as dotted
 */
export function parseOutboundUrl(url: string | URL, { policy, addressFrom }: OutboundUrlRules): OutboundUrl {
  const parsed = URL.parse(String(url));
  if (parsed === null || parsed.href.includes('#')) return { kind: 'refused', code: 'invalid-url' };
  if (!schemeAllowed(parsed, policy)) return { kind: 'refused', code: 'scheme-refused' };
  if (parsed.username !== '' || parsed.password !== '') return { kind: 'refused', code: 'userinfo-refused' };
  if (!hostAllowed(parsed, policy, addressFrom)) return { kind: 'refused', code: 'address-refused' };
  if (!isPlainUrl(String(url))) return { kind: 'refused', code: 'invalid-url' };
  return { kind: 'accepted', url: parsed };
}

const REFUSALS: Record<RefusedUrlCode, string> = {
  'invalid-url': 'must be a plain http(s) URL without a fragment',
  'scheme-refused': 'must be https',
  'userinfo-refused': 'must not hold a user name or password',
  'address-refused': 'must not be a local or reserved address',
};

/** Says what is wrong with a refused URL. Only an admin may name a private address. */
export function refusedUrlMessage(code: RefusedUrlCode, addressFrom: AddressSource): string {
  const isOfUser = code === 'address-refused' && addressFrom === 'user';
  return isOfUser ? 'must not be a private, local or reserved address' : REFUSALS[code];
}

function schemeAllowed({ protocol }: URL, policy: NetworkPolicy): boolean {
  return protocol === 'https:' || (protocol === 'http:' && policy === 'development');
}

function hostAllowed({ hostname }: URL, policy: NetworkPolicy, addressFrom: AddressSource): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0) return addressAllowed(host, policy, addressFrom);
  // RFC 6761 §6.3: these names always mean loopback.
  return policy === 'development' || !/(^|\.)localhost\.?$/.test(host);
}
