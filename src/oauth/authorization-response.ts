export interface ExpectedIssuer {
  /** The issuer that the authorization request went to, as its metadata names it. */
  issuer: string;
  /** `false`: the issuer is unknown, and `iss` proves nothing. The redirect URI, which only it has, does. */
  isIssuerKnown?: boolean;
  /** The metadata announce that every response has `iss`. */
  announcesIss: boolean;
}

export type AuthorizationResponse =
  | { kind: 'code'; code: string }
  /** The server refuses, or the user did. The texts are the server's: escape them wherever they are shown. */
  | { kind: 'denied'; error: string; description?: string }
  /** The response does not prove that it comes from this issuer, or is no authorization response. */
  | { kind: 'refused'; why: 'iss-missing' | 'iss-mismatch' | 'malformed' };

const MAX_CODE_LENGTH = 8_192;
const MAX_DESCRIPTION_LENGTH = 500;
const PARAMETERS = ['code', 'error', 'error_description', 'iss', 'state'];

/**
 * Reads the response that the user's browser brings back. The caller has found the authorization request by `state`.
 * Error texts are returned only once the issuer is right, because anybody may send a browser here with any text.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2, https://www.rfc-editor.org/rfc/rfc9207#section-2.4
 */
export function readAuthorizationResponse(
  parameters: URLSearchParams,
  expected: ExpectedIssuer,
): AuthorizationResponse {
  // RFC 6749 §3.1: a parameter occurs once.
  if (PARAMETERS.some((name) => parameters.getAll(name).length > 1)) return refused('malformed');
  const wrongIssuer = checkIssuer(parameters.get('iss'), expected);
  if (wrongIssuer !== undefined) return refused(wrongIssuer);
  const error = parameters.get('error');
  if (error !== null) return denial(error, parameters.get('error_description'));
  const code = parameters.get('code') ?? '';
  return code === '' || code.length > MAX_CODE_LENGTH ? refused('malformed') : { kind: 'code', code };
}

// The table of RFC 9207 §2.4: an `iss` that is there must be the issuer, also where it is not announced. Identifiers
// are compared as strings.
function checkIssuer(
  iss: string | null,
  { issuer, isIssuerKnown = true, announcesIss }: ExpectedIssuer,
): 'iss-missing' | 'iss-mismatch' | undefined {
  if (iss === null) return announcesIss ? 'iss-missing' : undefined;
  return !isIssuerKnown || iss === issuer ? undefined : 'iss-mismatch';
}

/** RFC 6749 §4.1.2.1: the characters of `error`. */
const ERROR = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}$/;

function denial(error: string, description: string | null): AuthorizationResponse {
  if (!ERROR.test(error)) return refused('malformed');
  const text = (description ?? '')
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, MAX_DESCRIPTION_LENGTH);
  return { kind: 'denied', error, ...(text !== '' && { description: text }) };
}

function refused(why: Extract<AuthorizationResponse, { kind: 'refused' }>['why']): AuthorizationResponse {
  return { kind: 'refused', why };
}
