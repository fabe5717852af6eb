import { describe, expect, test } from 'vitest';
import { refusalOf } from '../../src/oauth/refusal.ts';

describe('a 4xx in JSON is a refusal', () => {
  test.each<[number, unknown, string[]]>([
    [400, { error: 'invalid_grant', error_description: 'no' }, ['invalid_grant']],
    [400, { status: 'BAD_REFRESH_TOKEN' }, ['BAD_REFRESH_TOKEN']],
    [401, { code: 'token_expired' }, ['token_expired']],
    [400, { error: { type: 'OAuthException', code: 190 } }, ['OAuthException']],
    [400, { error: { code: 400, status: 'INVALID_REFRESH_TOKEN' } }, ['INVALID_REFRESH_TOKEN']],
    [400, [{ errorCode: 'INVALID_SESSION_ID', message: 'no' }], ['INVALID_SESSION_ID', 'no']],
    [400, { errors: [{ code: 'nope' }] }, ['nope']],
    [400, { code: 20026 }, ['20026']],
    [400, 'invalid_grant', ['invalid_grant']],
    [401, {}, []],
    [403, { error: null }, []],
    [403, null, []],
    [404, [], []],
    [418, { error: '' }, []],
  ])('%i %j', (status, json, words) => {
    expect(refusalOf(status, json)).toMatchObject({ status, words });
  });
});

describe('a 2xx is a refusal when it names an error', () => {
  test.each<[unknown, string[]]>([
    [{ ok: false, error: 'invalid_refresh_token' }, ['invalid_refresh_token']],
    [{ ok: false }, []],
    [{ success: false, message: 'nope' }, ['nope']],
    [{ error: true }, []],
    [{ error_description: 'no' }, []],
    [{ status: 401, message: 'nope' }, ['nope']],
    [{ status: 'BAD_REFRESH_TOKEN' }, ['BAD_REFRESH_TOKEN']],
    [{ errcode: 40030, errmsg: 'no' }, ['40030', 'no']],
    [{ errcode: -1, errmsg: 'system busy' }, ['-1', 'system busy']],
    [{ errcode: '-1' }, ['-1']],
    [{ result: { error: 'invalid_grant' } }, ['invalid_grant']],
    [{ response: { ErrorCode: 'invalid_grant' } }, ['invalid_grant']],
    [{ ErrorCode: 'invalid_grant' }, ['invalid_grant']],
    [{ Error: 'nope' }, ['nope']],
    [{ fault: { faultstring: 'Invalid Refresh Token' } }, ['Invalid Refresh Token']],
    [{ errorMessage: 'token expired' }, ['token expired']],
    [{ data: { error_code: 10008 }, message: 'error' }, ['10008', 'error']],
    [[{ error: 'invalid_grant' }], ['invalid_grant']],
  ])('%j', (json, words) => {
    expect(refusalOf(200, json)).toMatchObject({ words });
  });

  test.each([
    [{}],
    [{ ok: true }],
    [{ error: null }],
    [{ error: false }],
    [{ error: 0 }],
    [{ error: '' }],
    [{ error: {} }],
    [{ errors: [] }],
    [{ code: 0, status: 'ok' }],
    [{ errcode: 0, errmsg: 'ok' }],
    [{ errorCode: 200, errorMessage: 'success' }],
    [{ result: {} }],
    [{ response: { status: 'ok' } }],
    [{ result: 'success' }],
    [{ status: 200, message: 'success' }],
    [{ token_type: 'Bearer' }],
    ['invalid_grant'],
    [[{ access_token: 'a2' }]],
    [null],
  ])('and not otherwise: %j', (json) => {
    expect(refusalOf(200, json)).toBeUndefined();
  });
});

test.each([301, 408, 425, 429, 500, 502, 503])('a %i is never a refusal', (status) => {
  expect(refusalOf(status, { error: 'invalid_grant' })).toBeUndefined();
});
