/**
 * The error codes and sentences of token endpoints, each with its source. `judge-refusal.ts` looks them up, and
 * `token-endpoint-errors.ts` says what each kind leads to.
 */

/** What a refusal of the token endpoint means. It decides who can help. */
export type RefusalKind =
  /** The refresh token is expired, revoked or spent: the user can help. */
  | 'dead-grant'
  /** The authorization server wants a person to log in or consent: the user can help. */
  | 'person-needed'
  /** The failure will pass. */
  | 'transient'
  /** The client is refused: its owner can help, who is the user or the operator. */
  | 'client-refused'
  /** A parameter of the request is refused. It may be an optional one. */
  | 'parameter-refused'
  /** The operator can help. */
  | 'misconfigured'
  /** Unknown words, or none. */
  | 'other';

type KnownKind = Exclude<RefusalKind, 'other'>;

export interface KnownWords {
  kind: KnownKind;
  source: string;
  words: readonly string[];
}

const RFC_6749 = 'https://www.rfc-editor.org/rfc/rfc6749#section-5.2';
const SLACK = 'https://docs.slack.dev/reference/methods/oauth.v2.access';
const HUBSPOT = 'https://github.com/HGData/mk-node-hubspot/issues/64';
const FOLLOW_UP_BOSS = 'https://docs.followupboss.com/docs/oauth-error-codes';
const GITHUB =
  'https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens';
const GITHUB_CLIENT =
  'https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors';
const MICROSOFT = 'https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow';
const SALESFORCE = 'https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm';
const GOOGLE = 'https://developers.google.com/identity/protocols/oauth2/web-server';
const FIREBASE = 'https://firebase.google.com/docs/reference/rest/auth#section-refresh-token';
const ZOHO = 'https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html';

/**
 * Error codes, as `normalize` writes them. Google (for the grant), Atlassian today, Notion, Linear, Dropbox, Zoom and
 * Okta use those of RFC 6749.
 */
export const KNOWN_WORDS: readonly KnownWords[] = [
  { kind: 'dead-grant', source: RFC_6749, words: ['invalid_grant'] },
  // The device grant's code for an expired token: in a refresh that is the refresh token.
  {
    kind: 'dead-grant',
    source: 'https://www.rfc-editor.org/rfc/rfc8628#section-3.5',
    words: ['expired_token'],
  },
  { kind: 'dead-grant', source: FIREBASE, words: ['token_expired', 'invalid_refresh_token'] },
  { kind: 'dead-grant', source: GITHUB, words: ['bad_refresh_token'] },
  { kind: 'dead-grant', source: HUBSPOT, words: ['bad_refresh_token'] },
  {
    kind: 'dead-grant',
    source: SLACK,
    words: ['invalid_refresh_token', 'token_revoked', 'token_expired', 'invalid_auth'],
  },
  {
    kind: 'dead-grant',
    source: 'https://docs.slack.dev/reference/methods/oauth.v2.exchange',
    words: ['authorization_not_found'],
  },
  // Twitch sends it as a sentence: https://dev.twitch.tv/docs/authentication/refresh-tokens
  { kind: 'dead-grant', source: FOLLOW_UP_BOSS, words: ['invalid_refresh_token', 'expired_refresh_token'] },
  { kind: 'person-needed', source: FOLLOW_UP_BOSS, words: ['inactive_account'] },
  {
    kind: 'dead-grant',
    source: 'https://supabase.com/docs/guides/auth/debugging/error-codes',
    words: ['refresh_token_not_found', 'refresh_token_already_used'],
  },
  // Spring Security's older server: an expired refresh token is an InvalidTokenException.
  {
    kind: 'dead-grant',
    source: 'https://github.com/spring-attic/spring-security-oauth',
    words: ['invalid_token'],
  },
  { kind: 'dead-grant', source: 'https://github.com/Weble/ZohoBooksApi/issues/84', words: ['invalid_code'] },
  {
    kind: 'person-needed',
    source: 'https://openid.net/specs/openid-connect-core-1_0.html#AuthError',
    words: ['interaction_required', 'login_required', 'account_selection_required', 'consent_required'],
  },
  {
    kind: 'person-needed',
    source: 'https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html',
    words: ['unmet_authentication_requirements'],
  },
  {
    kind: 'person-needed',
    source: SLACK,
    words: ['account_inactive', 'org_login_required', 'two_factor_setup_required'],
  },
  { kind: 'person-needed', source: FIREBASE, words: ['user_disabled', 'user_not_found'] },
  { kind: 'person-needed', source: GITHUB_CLIENT, words: ['unverified_user_email'] },
  { kind: 'person-needed', source: SALESFORCE, words: ['inactive_user', 'inactive_org'] },
  { kind: 'person-needed', source: GOOGLE, words: ['admin_policy_enforced'] },
  {
    kind: 'transient',
    source: 'https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1',
    words: ['temporarily_unavailable', 'server_error'],
  },
  { kind: 'transient', source: 'https://www.rfc-editor.org/rfc/rfc8628#section-3.5', words: ['slow_down'] },
  {
    kind: 'transient',
    source: SLACK,
    words: ['ratelimited', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'],
  },
  {
    kind: 'transient',
    source: 'https://developers.notion.com/reference/status-codes',
    words: ['rate_limited', 'internal_server_error', 'conflict_error'],
  },
  { kind: 'transient', source: SALESFORCE, words: ['rate_limit_exceeded', 'request_limit_exceeded'] },
  {
    kind: 'transient',
    source: 'https://www.dropbox.com/developers/documentation/http/documentation#error-handling',
    words: ['too_many_requests', 'too_many_write_operations'],
  },
  { kind: 'client-refused', source: RFC_6749, words: ['invalid_client', 'unauthorized_client'] },
  { kind: 'client-refused', source: GITHUB_CLIENT, words: ['incorrect_client_credentials'] },
  { kind: 'client-refused', source: SLACK, words: ['invalid_client_id', 'bad_client_secret'] },
  { kind: 'client-refused', source: ZOHO, words: ['invalid_client_secret'] },
  { kind: 'client-refused', source: GOOGLE, words: ['deleted_client', 'disabled_client'] },
  { kind: 'client-refused', source: SALESFORCE, words: ['invalid_client_credentials'] },
  { kind: 'parameter-refused', source: RFC_6749, words: ['invalid_request', 'invalid_scope'] },
  {
    kind: 'parameter-refused',
    source: 'https://www.rfc-editor.org/rfc/rfc8707#section-2',
    words: ['invalid_target'],
  },
  { kind: 'parameter-refused', source: MICROSOFT, words: ['invalid_resource'] },
  { kind: 'misconfigured', source: RFC_6749, words: ['unsupported_grant_type'] },
  { kind: 'misconfigured', source: SLACK, words: ['invalid_grant_type'] },
];

/** Codes that several servers compose of the same parts. A pattern matches the whole code. */
export const KNOWN_FAMILIES: readonly { kind: KnownKind; pattern: RegExp }[] = [
  {
    kind: 'dead-grant',
    pattern:
      /^refresh_token_(already_)?(expired|revoked|invalid|invalidated|not_found|not_valid|used|reused|inactive)$/,
  },
];

/** Codes of RFC 6749 whose meaning changes with a text beside them. */
export const KNOWN_DESCRIPTIONS: readonly (KnownWords & { isMeant: (text: string) => boolean })[] = [
  {
    kind: 'dead-grant',
    source: 'https://github.com/raycast/extensions/issues/11836', // Atlassian
    words: ['unauthorized_client'],
    isMeant: saysTokenIsDead,
  },
  // Not only Authlib: https://github.com/thephpleague/oauth2-server/issues/993 (league/oauth2-server before 9),
  // https://github.com/ory/fosite/issues/645, https://github.com/better-auth/better-auth/pull/8103
  {
    kind: 'dead-grant',
    source: 'https://github.com/authlib/authlib/issues/112',
    words: ['invalid_request'],
    isMeant: saysTokenIsDead,
  },
  {
    kind: 'transient',
    source: ZOHO,
    words: ['access_denied'],
    isMeant: (text) => /you have made too many requests continuously/.test(text),
  },
];

const DEAD = '(invalid|expired|revoked|inactive|not valid|no longer valid|not active|not found|unknown|used)';
const TOKEN_IS_DEAD = [
  // "The refresh token has expired", "Value passed for the token was invalid"
  new RegExp(
    `\\btoken\\b( (is|was|has|been|already|either|does|no longer|supplied|provided|passed|you))* ${DEAD}\\b`,
  ),
  /\b(token does not exist|session not found)\b/,
  // "Invalid or expired refresh token", "invalid value of refresh_token"
  new RegExp(
    `\\b${DEAD}( (or|and|the|value|of|for|${DEAD}))*( (oauth|oauth2))?( refresh)? token\\b(?! (endpoint|type|url|request|format|auth))`,
  ),
];
/** The sentence is not about the refresh token: what is requested with it is refused. */
const OTHER_SUBJECT = /\b(scopes?|resource|audience|client secret|access token)\b/;

function saysTokenIsDead(text: string): boolean {
  return text
    .split('.')
    .some((one) => !OTHER_SUBJECT.test(one) && TOKEN_IS_DEAD.some((pattern) => pattern.test(one)));
}
