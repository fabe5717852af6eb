import { describe, expect, test } from 'vitest';
import { readAuthorizationResponse } from '../../src/oauth/authorization-response.ts';

const ISSUER = 'https://as.example/tenant';

function read(query: string, announcesIss = false) {
  return readAuthorizationResponse(new URLSearchParams(query), { issuer: ISSUER, announcesIss });
}

const iss = (issuer: string) => `iss=${encodeURIComponent(issuer)}`;

// RFC 9207 §2.4.
describe.each([
  ['a code', 'code=c1', { kind: 'code', code: 'c1' }],
  ['an error', 'error=access_denied', { kind: 'denied', error: 'access_denied' }],
])('%s', (_what, query, accepted) => {
  test.each([
    [true, iss(ISSUER), accepted],
    [false, iss(ISSUER), accepted],
    [false, '', accepted],
    [true, '', { kind: 'refused', why: 'iss-missing' }],
    [true, iss('https://evil.example'), { kind: 'refused', why: 'iss-mismatch' }],
    [false, iss('https://evil.example'), { kind: 'refused', why: 'iss-mismatch' }],
    [false, iss(`${ISSUER}/`), { kind: 'refused', why: 'iss-mismatch' }],
    [false, iss('HTTPS://AS.example/tenant'), { kind: 'refused', why: 'iss-mismatch' }],
    [false, 'iss=', { kind: 'refused', why: 'iss-mismatch' }],
    [false, `${iss(ISSUER)}&${iss('https://evil.example')}`, { kind: 'refused', why: 'malformed' }],
  ])('where the issuer announces iss: %s, with "%s"', (announces, issParameter, expected) => {
    expect(read(`${query}&state=s1&${issParameter}`, announces)).toEqual(expected);
  });
});

test('accepts any iss where the issuer is unknown', () => {
  const parameters = new URLSearchParams(`code=c1&${iss('https://accounts.example')}`);
  const expected = { issuer: 'https://as.example/token', isIssuerKnown: false, announcesIss: false };

  expect(readAuthorizationResponse(parameters, expected)).toEqual({ kind: 'code', code: 'c1' });
});

test("shows no text of an issuer that is not the request's", () => {
  const outcome = read(`error=access_denied&error_description=call+me&${iss('https://evil.example')}`, true);

  expect(outcome).toEqual({ kind: 'refused', why: 'iss-mismatch' });
});

test('has the description of an error, shortened and on one line', () => {
  const long = encodeURIComponent(`no\r\nway\u0000\u202e ${'x'.repeat(1_000)}`);

  const outcome = read(`error=invalid_scope&error_description=${long}`);

  expect(outcome).toMatchObject({ kind: 'denied', error: 'invalid_scope' });
  const { description = '' } = outcome as { description?: string };
  expect(description).toMatch(/^no way {1,2}x+$/);
  expect(description.length).toBeLessThanOrEqual(500);
});

test.each([
  ['neither code nor error', 'state=s1'],
  ['an empty code', 'code='],
  ['two codes', 'code=a&code=b'],
  ['two errors', 'error=a&error=b'],
  ['two states', 'code=a&state=s1&state=s2'],
  ['a code of a megabyte', `code=${'c'.repeat(1_000_000)}`],
  ['an error that is no code', `error=${encodeURIComponent('<b>"')}`],
  ['an empty error', 'error='],
])('with %s is malformed', (_what, query) => {
  expect(read(query)).toEqual({ kind: 'refused', why: 'malformed' });
});

test('with a code and an error is an error', () => {
  expect(read('code=c1&error=access_denied')).toEqual({ kind: 'denied', error: 'access_denied' });
});
