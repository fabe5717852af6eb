import { describe, expect, test } from 'vitest';
import { judgeRefusal, loggableCode } from '../../../src/credentials/refresh/judge-refusal.ts';
import type { RefusalKind } from '../../../src/credentials/refresh/known-refusals.ts';
import { refusalOf } from '../../../src/oauth/refusal.ts';

const refusal = (json: unknown) => {
  const refused = refusalOf(400, json);
  if (refused === undefined) throw new Error('not a refusal');
  return refused;
};

const LEAGUE =
  'The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once.';

describe('what a refusal says', () => {
  test.each<[RefusalKind, unknown]>([
    ['dead-grant', { error: 'INVALID_GRANT' }],
    ['dead-grant', { ok: false, error: 'token_revoked' }],
    ['dead-grant', { status: 'BAD_REFRESH_TOKEN', message: 'missing or unknown refresh token' }],
    // Twitch
    ['dead-grant', { error: 'Bad Request', status: 400, message: 'Invalid refresh token' }],
    ['dead-grant', { error: 'expired-refresh-token' }],
    ['dead-grant', { error: { code: 'InvalidGrant' } }],
    // Atlassian
    ['dead-grant', { error: 'unauthorized_client', error_description: 'refresh_token is invalid' }],
    ['person-needed', { error: 'interaction_required' }],
    ['person-needed', { error: 'login_required' }],
    ['person-needed', { error: 'consent_required', suberror: 'x' }],
    ['person-needed', { error: 'account_selection_required' }],
    ['transient', { ok: false, error: 'ratelimited' }],
    ['transient', { error: 'temporarily_unavailable' }],
    ['client-refused', { error: 'unauthorized_client', error_description: 'Invalid client credentials' }],
    ['client-refused', { ok: false, error: 'bad_client_secret' }],
    ['parameter-refused', { error: 'invalid_scope' }],
    ['misconfigured', { error: 'unsupported_grant_type' }],
    // Only the standard's code in its standard place concerns the client or a parameter.
    ['other', { message: 'Invalid request' }],
    ['other', { code: 'E1042', message: 'Invalid Request' }],
    ['other', { title: 'Invalid request', detail: 'refresh token was revoked' }],
    ['other', { error: 'Unsupported grant type' }],
    ['other', { error: 'Invalid client' }],
    ['other', { error: 'INVALID_REQUEST' }],
    ['other', { error: { message: 'invalid scope' } }],
    ['other', { code: 'invalid_request' }],
    ['other', { errors: [{ message: 'Unauthorized client' }] }],
    ['parameter-refused', { error: 'invalid_request', message: 'Bad request' }],
    ['parameter-refused', { error: { code: 'invalid_request' } }],
    ['client-refused', { data: { error: 'invalid_client' } }],
    ['dead-grant', { message: 'Invalid grant' }],
    ['person-needed', { message: 'Login required' }],
    ['transient', { code: 'x', message: 'Rate limit exceeded' }],
    // `invalid_request` with a text or another code that explains it.
    // X
    [
      'dead-grant',
      { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' },
    ],
    // league/oauth2-server
    [
      'dead-grant',
      {
        error: 'invalid_request',
        error_description: 'The refresh token is invalid.',
        hint: 'Token has been revoked',
      },
    ],
    ['dead-grant', { error: 'invalid_request', error_code: 'invalid_refresh_token' }],
    ['dead-grant', { error: 'invalid_request', message: 'The refresh_token has expired' }],
    ['dead-grant', { error: 'invalid_request', hint: 'Token has expired' }],
    ['dead-grant', { error: 'invalid_request', error_description: 'Invalid "refresh_token" in request.' }],
    ['dead-grant', { error: 'invalid_request', error_description: 'invalid or expired refresh token' }],
    [
      'dead-grant',
      { error: 'invalid_request', error_description: `${'Malformed. '.repeat(20)}Token expired.` },
    ],
    ['dead-grant', { error: 'invalid_request', error_description: 'session not found' }],
    ['person-needed', { error: 'invalid_request', suberror: 'x', code: 'login_required' }],
    ['dead-grant', { error: 'invalid_scope', code: 'refresh_token_expired' }],
    ['parameter-refused', { error: 'invalid_request' }],
    [
      'parameter-refused',
      { error: 'invalid_request', hint: 'Check the `refresh_token` parameter', error_description: LEAGUE },
    ],
    [
      'parameter-refused',
      { error: 'invalid_request', error_description: 'the scope of the token is invalid' },
    ],
    [
      'parameter-refused',
      { error: 'invalid_request', error_description: 'invalid token endpoint parameter' },
    ],
    ['parameter-refused', { error: 'invalid_request', error_description: 'refresh_token is required' }],
    ['client-refused', { error: 'unauthorized_client', hint: 'x' }],
    ['client-refused', { error: 'invalid_client', error_description: 'The refresh token is invalid' }],
    // Elsewhere, and in another spelling
    ['dead-grant', { result: { error: 'invalid_grant' } }],
    ['dead-grant', { ErrorCode: 'invalid_grant' }],
    ['dead-grant', { Error: 'invalid_grant' }],
    ['dead-grant', { fault: { faultstring: 'Invalid Refresh Token' } }],
    ['dead-grant', { fault: { faultstring: 'x', detail: { errorcode: 'oauth.v2.InvalidRefreshToken' } } }],
    ['dead-grant', { errcode: -1, errmsg: 'Invalid refresh token' }],
    ['dead-grant', { error_message: 'Refresh token expired.' }],
    ['dead-grant', { error: 'refresh_token_expired' }],
    ['dead-grant', { error: 'expired_token' }],
    ['dead-grant', { error: 'REFRESH_TOKEN_REVOKED' }],
    ['dead-grant', { error: 'refresh_token_invalid' }],
    ['dead-grant', { error: { code: 'RefreshTokenNotFound' } }],
    // Firebase
    ['dead-grant', { error: { code: 400, message: 'TOKEN_EXPIRED', status: 'INVALID_ARGUMENT' } }],
    ['person-needed', { error: { code: 400, message: 'USER_DISABLED', status: 'INVALID_ARGUMENT' } }],
    ['other', { error: 'refresh_token_required' }],
    ['other', { error: 'ein_fehler' }],
    ['other', { message: 'Forbidden' }],
    ['other', {}],
    ['other', { error: 'invalid_grantee' }],
    ['other', { error: 'constructor' }],
  ])('%s: %j', (kind, json) => {
    expect(judgeRefusal(refusal(json)).kind).toBe(kind);
  });
});

describe('the log is told', () => {
  const SHORT_SECRET = '0123456789ab';
  const encoded = (text: string, encoding: 'base64' | 'base64url' | 'hex') =>
    Buffer.from(text).toString(encoding).replaceAll('=', '');
  const secret = 'Sup3r-secret.refresh_token';
  test.each<[string, unknown]>([
    ['BAD_REFRESH_TOKEN', { status: 'BAD_REFRESH_TOKEN' }],
    ['invalid_refresh_token', { error: 'Bad Request', message: 'Invalid refresh token' }],
    ['ein_fehler', { error: 'ein_fehler' }],
    ['E-40.2', { error: { code: 'E-40.2' } }],
    ['20026', { code: 20026 }],
    ['http-400', {}],
    // Codes that are too long, have other characters, or quote what was sent.
    ['oauth-error', { error: 'x'.repeat(41) }],
    ['oauth-error', { error: 'no <b>such</b> token' }],
    ['oauth-error', { error: secret }],
    ['oauth-error', { error: `bad.${secret}` }],
    ['oauth-error', { error: secret.toUpperCase() }],
    ['oauth-error', { error: secret.slice(0, 12) }],
    ...(['base64', 'base64url', 'hex'] as const).flatMap((encoding): [string, unknown][] => [
      ['oauth-error', { error: encoded('Sup3r-secret', encoding) }],
      ['oauth-error', { error: encoded(secret.slice(1), encoding).slice(0, 30) }],
    ]),
    ['oauth-error', { error: `E.${encoded(SHORT_SECRET, 'base64')}` }],
    ['oauth-error', { error: `E.${encoded(SHORT_SECRET, 'base64url')}` }],
    ['oauth-error', { error: `E.${encoded(SHORT_SECRET, 'hex')}` }],
    ['oauth-error', { error: encoded(SHORT_SECRET, 'hex').toUpperCase() }],
    ['no_such_token', { error: secret, code: 'no_such_token' }],
  ])('%s', (code, json) => {
    expect(loggableCode(refusal(json), [secret, SHORT_SECRET, ''])).toBe(code);
  });
});
