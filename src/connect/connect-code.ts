/** Why a user could not be connected. Stable: hosts read them in `GET /connect-sessions/:id`. */
export const CONNECT_CODES = [
  /** The user said no at the authorization server. */
  'access-denied',
  /** Another account at the provider than the connected one: the user has to choose. */
  'account-mismatch',
  /** The authorization server refused the request, in its own words. */
  'authorization-refused',
  'invalid-scope',
  'invalid-target',
  'unauthorized-client',
  'authorization-server-error',
  'authorization-server-unavailable',
  /** The answer came too late. */
  'authorization-expired',
  /** RFC 9207: the answer does not name its issuer, or names another one. */
  'issuer-missing',
  'issuer-mismatch',
  /** The answer came to the redirect URI of another authorization server. */
  'redirect-mismatch',
  /** Neither a code nor an error. */
  'malformed-answer',
  /** The browser is signed in as another user than the link's. */
  'other-user',
  /** A finished consent has used the link up. */
  'link-used',
  'unknown-server',
  /** The server is registered without OAuth. */
  'no-oauth',
  'server-changed',
  'server-removed',
  'misconfigured',
  'pkce-not-supported',
  /** Neither the operator nor the authorization server provides a client. */
  'no-client',
  'registration-refused',
  'registration-failed',
  'client-refused',
  'code-refused',
  'token-request-refused',
  'token-endpoint-unavailable',
  'no-access-token',
  'encryption-key-missing',
  'deposit-refused',
  /** Something failed here, such as the database. */
  'temporarily-unavailable',
] as const;

export type ConnectCode = (typeof CONNECT_CODES)[number];
