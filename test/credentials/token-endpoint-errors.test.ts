import { describe, expect, test } from 'vitest';
import { judgeRefusal, loggableCode, type RefusalKind } from '../../src/credentials/token-endpoint-errors.ts';
import { refusalOf } from '../../src/oauth/refusal.ts';

const refusal = (json: unknown) => {
  const refused = refusalOf(400, json);
  if (refused === undefined) throw new Error('not a refusal');
  return refused;
};

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
  const secret = 'Sup3r-secret.refresh_token';
  test.each<[string, unknown]>([
    ['BAD_REFRESH_TOKEN', { status: 'BAD_REFRESH_TOKEN' }],
    ['invalid_refresh_token', { error: 'Bad Request', message: 'Invalid refresh token' }],
    ['ein_fehler', { error: 'ein_fehler' }],
    ['E-40.2', { error: { code: 'E-40.2' } }],
    ['20026', { code: 20026 }],
    ['http-400', {}],
    // What is too long, has other characters, or was sent.
    ['oauth-error', { error: 'x'.repeat(41) }],
    ['oauth-error', { error: 'no <b>such</b> token' }],
    ['oauth-error', { error: secret }],
    ['oauth-error', { error: `bad.${secret}` }],
    ['oauth-error', { error: secret.toUpperCase() }],
    ['oauth-error', { error: secret.slice(0, 12) }],
    ['no_such_token', { error: secret, code: 'no_such_token' }],
  ])('%s', (code, json) => {
    expect(loggableCode(refusal(json), [secret, ''])).toBe(code);
  });
});
