/** URLs that Latchkey accepts (`isPlainUrl`, `isRegistrableUrl`) and those that it gives to users (`connectUrl`, `stepUrl`). */
import { accountMember } from './accounts.ts';
import { present } from './present.ts';

const HTTP = /^https?:/i;
/** Scheme, `//`, host, port, path, query. A host has letters, digits, `-` and `_`, or is an IPv6 address in brackets. */
const PLAIN_HTTP =
  /^https?:\/\/((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(\/[^?]*)?(\?.*)?$/i;
const ENCODED_DOT_SEGMENT = /\/(?:%2e\.?|\.%2e|%2e%2e)(?:\/|$)/i;

/**
 * Whether all parsers read a URL alike, so that the checked address is the one that is connected to. RFC 3986 and the
 * URL standard of browsers disagree on what this refuses: backslashes, characters that are dropped (tabs, line
 * breaks, spaces at the ends) or mapped (Unicode hosts; punycode is accepted), `https:host`, numbers in place of an
 * IPv4 address, percent-encoded hosts, empty ports, `%2e%2e`. An endpoint has no user name and no fragment (RFC 6749
 * §3.2), and a host that ends with a dot has two names for TLS. For schemes other than HTTP, only the characters and
 * the fragment are checked.
 *
 * @see https://url.spec.whatwg.org/#concept-basic-url-parser
 * @see https://datatracker.ietf.org/doc/html/rfc3986#section-3.2
 */
export function isPlainUrl(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text) || /[\\#]/.test(text) || !URL.canParse(text)) return false;
  if (!HTTP.test(text)) return true;
  const [, host = '', path = ''] = PLAIN_HTTP.exec(text) ?? [];
  if (host === '' || ENCODED_DOT_SEGMENT.test(path)) return false;
  // All parsers read the several spellings of an IPv6 address alike. An IPv4 address must have its one spelling.
  return host.startsWith('[') || new URL(text).hostname === host.toLowerCase();
}

/** Everything behind the host: `pchar`, `/` and `?`, and complete percent-encodings. */
const RFC_3986 = /^(?:[a-z0-9._~:/?@!$&'()*+,;=-]|%[0-9a-f]{2})*$/i;
/** The same and brackets, which an authority may have. */
const RFC_3986_WHOLE = /^(?:[a-z0-9._~:/?@!$&'()*+,;=[\]-]|%[0-9a-f]{2})*$/i;
/** In any spelling, and with path parameters, which some servers remove first. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:;[^/]*)?(?:\/|$)/i;
const ENCODED_SLASH = /%(?:2f|5c)/i;

/** What `isRegistrableUrl` requires, as an error message. */
export const MUST_BE_PLAIN =
  'must be a plain URL: the characters of RFC 3986 (others percent-encoded), no user name, password, fragment, dot segment or encoded slash';

/**
 * Whether a URL may be registered or deposited: a plain URL that no server or proxy on its way rewrites. It has only the
 * characters of RFC 3986 and complete percent-encodings, no dot segment, and no encoded slash or backslash in its path.
 * Requests need less (`isPlainUrl`), so that an address that is stored already stays usable.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc3986#section-3.3
 */
export function isRegistrableUrl(text: string): boolean {
  if (!isPlainUrl(text)) return false;
  if (!HTTP.test(text)) return RFC_3986_WHOLE.test(text);
  const [, , path = '', query = ''] = PLAIN_HTTP.exec(text) ?? [];
  return RFC_3986.test(path + query) && !DOT_SEGMENT.test(path) && !ENCODED_SLASH.test(path);
}

/**
 * Returns the address of the page where a user reconnects a server. It holds no secret, and opening it has no effect.
 *
 * @param publicUrl the address that users' browsers reach, without a trailing slash
 * @param account left out of the URL if it is `default`
 */
export function connectUrl(
  publicUrl: string,
  mcpServerId: string,
  stepId?: string,
  account?: string,
): string {
  const page = `${publicUrl}/connect/${encodeURIComponent(mcpServerId)}`;
  const query = Object.entries(present({ step: stepId, ...accountMember(account) }))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return query === '' ? page : `${page}?${query}`;
}

/** Returns the address of a step's page, which holds no secret. @param publicUrl as of `connectUrl` */
export function stepUrl(publicUrl: string, stepId: string): string {
  return `${publicUrl}/step/${encodeURIComponent(stepId)}`;
}
