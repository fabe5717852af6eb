import type { Refusal } from '../oauth/refusal.ts';

/** What a refusal of the token endpoint says, and so who can help. */
export type RefusalKind =
  /** The refresh token is dead: the user. */
  | 'dead-grant'
  /** The authorization server wants to see a person: the user. */
  | 'person-needed'
  /** It will pass. */
  | 'transient'
  /** The client: whoever it belongs to. */
  | 'client-refused'
  /** A parameter of the request, which may be an optional one. */
  | 'parameter-refused'
  /** The operator. */
  | 'misconfigured'
  /** Words that nobody here knows, or none. */
  | 'other';

interface Entry {
  kind: Exclude<RefusalKind, 'other'>;
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
const ZOHO = 'https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html';

/**
 * The words of token endpoints. Those of Google (for the grant), Atlassian's present ones, Notion, Linear, Dropbox,
 * Zoom and Okta are the standard's. Written as `normalized` writes them.
 */
const TABLE: readonly Entry[] = [
  { kind: 'dead-grant', source: RFC_6749, words: ['invalid_grant'] },
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

/** A standard's word for one thing that its description says is another. */
const DESCRIBED: readonly (Entry & { description: string })[] = [
  {
    kind: 'dead-grant',
    source: 'https://github.com/raycast/extensions/issues/11836', // Atlassian
    words: ['unauthorized_client'],
    description: 'refresh_token_is_invalid',
  },
  {
    kind: 'dead-grant',
    source: 'https://github.com/lepture/authlib/issues/112', // servers made with Authlib before 0.11
    words: ['invalid_request'],
    description: 'invalid_"refresh_token"_in_request',
  },
  {
    kind: 'transient',
    source: ZOHO,
    words: ['access_denied'],
    description: 'you_have_made_too_many_requests_continuously',
  },
];

const KINDS = new Map(TABLE.flatMap(({ kind, words }) => words.map((word) => [word, kind] as const)));

export interface JudgedRefusal {
  kind: RefusalKind;
  /** The word of the table that decided. */
  word?: string;
}

export function judgeRefusal({ words, description = '' }: Refusal): JudgedRefusal {
  const known = words.map(normalized).find((word) => KINDS.has(word));
  const first = known ?? normalized(words[0] ?? '');
  const said = normalized(description);
  const entry = DESCRIBED.find((one) => one.words.includes(first) && said.startsWith(one.description));
  const kind = entry?.kind ?? KINDS.get(first);
  return kind === undefined ? { kind: 'other' } : { kind, word: first };
}

/** `BAD_REFRESH_TOKEN`, `invalid-refresh-token`, `InvalidGrant` and `Invalid refresh token` as the table writes them. */
function normalized(word: string): string {
  return word
    .trim()
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .toLowerCase();
}

const SHORT_CODE = /^[A-Za-z0-9_.-]{1,40}$/;
const SAYS_NOTHING = /^(errors?|fail(ed|ure)?|exception|bad_request|unauthori[sz]ed|forbidden)$/;
const SHORTEST_PIECE = 6;

/**
 * The server's own short code, for the operator's log; `oauth-error` where what stands there is none, `http-400` and
 * the like where nothing does. Never what was sent, nor a piece of it: a server may put anything into its answer.
 *
 * @param secrets what of the request must not be told
 */
export function loggableCode(refusal: Refusal, secrets: readonly string[]): string {
  const { word } = judgeRefusal(refusal);
  const codes = refusal.words.filter((one) => SHORT_CODE.test(one));
  const deciding = codes.find((one) => normalized(one) === word);
  if (deciding !== undefined || word !== undefined) return deciding ?? word ?? '';
  const telling = codes.filter(
    (one) =>
      !isSecret(
        one,
        secrets.filter((secret) => secret !== ''),
      ),
  );
  const best = telling.find((one) => !SAYS_NOTHING.test(normalized(one))) ?? telling[0];
  if (best !== undefined) return best;
  return refusal.words.length > 0 ? 'oauth-error' : `http-${refusal.status}`;
}

function isSecret(code: string, secrets: readonly string[]): boolean {
  const lower = code.toLowerCase();
  return secrets
    .map((secret) => secret.toLowerCase())
    .some((secret) => lower.includes(secret) || (code.length >= SHORTEST_PIECE && secret.includes(lower)));
}
