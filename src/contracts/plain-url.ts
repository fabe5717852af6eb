const HTTP = /^https?:/i;
/** Scheme, `//`, host, port, path. A host is of letters, digits, `-` and `_`, or an IPv6 address in brackets. */
const PLAIN_HTTP =
  /^https?:\/\/((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(\/[^?]*)?(?:\?.*)?$/i;
const ENCODED_DOT_SEGMENT = /\/(?:%2e\.?|\.%2e|%2e%2e)(?:\/|$)/i;

/** What `isPlainUrl` asks for, for a person. */
export const MUST_BE_PLAIN =
  'must be a plain URL: ASCII without spaces, backslashes, user name, password, fragment and encoded dots';

/**
 * Whether every parser reads a URL alike, so that what was judged is what is connected to. RFC 3986 and the URL
 * standard of browsers disagree on what this refuses: backslashes, characters that are dropped (tabs, line breaks,
 * spaces at the ends) or mapped (Unicode hosts: punycode is the form to give), `https:host`, numbers that stand for an
 * IPv4 address, percent-encoded hosts, empty ports, `%2e%2e`. User names and fragments are no part of an endpoint
 * (RFC 6749 §3.2), and a host that ends with a dot has two names for TLS. Of other schemes, only the characters and the
 * fragment are judged.
 *
 * @see https://url.spec.whatwg.org/#concept-basic-url-parser
 * @see https://datatracker.ietf.org/doc/html/rfc3986#section-3.2
 */
export function isPlainUrl(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text) || /[\\#]/.test(text) || !URL.canParse(text)) return false;
  if (!HTTP.test(text)) return true;
  const [, host = '', path = ''] = PLAIN_HTTP.exec(text) ?? [];
  if (host === '' || ENCODED_DOT_SEGMENT.test(path)) return false;
  // IPv6 has several spellings, which all parsers read alike; an IPv4 address has one.
  return host.startsWith('[') || new URL(text).hostname === host.toLowerCase();
}
