import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { configOf, JWKS, KEY, MINIMAL, problemsOf, ROLES } from './config-fixture.ts';

describe('PAYLOAD_KEYS', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const PAYLOAD_KEYS = `p2:${second.toString('base64')}, p1:${first.toString('base64')}`;

  test.each(ROLES)('are off for %s unless set, and keep their order', (role) => {
    expect(configOf(role, MINIMAL).payloadKeys).toBeUndefined();
    expect(configOf(role, { ...MINIMAL, PAYLOAD_KEYS }).payloadKeys?.reveal()).toEqual([
      { id: 'p2', bytes: Uint8Array.from(second) },
      { id: 'p1', bytes: Uint8Array.from(first) },
    ]);
  });

  test('are checked like ENCRYPTION_KEYS', () => {
    expect(problemsOf('worker', { ...MINIMAL, PAYLOAD_KEYS: 'p1:RE9OVFNIT1c=' })).toEqual({
      PAYLOAD_KEYS: ['entry 1 holds 8 bytes instead of 32'],
    });
  });
});

describe('ENCRYPTION_KEYS', () => {
  const keysOf = (value: string) =>
    configOf('worker', { ...MINIMAL, ENCRYPTION_KEYS: value }).encryptionKeys.reveal();
  const complaints = (value: string) =>
    problemsOf('worker', { ...MINIMAL, ENCRYPTION_KEYS: value }).ENCRYPTION_KEYS;

  // Every byte value that differs between the two alphabets.
  const awkward = Buffer.alloc(32, 0xfb);

  test.each([
    ['base64', awkward.toString('base64')],
    ['base64 without padding', awkward.toString('base64').replace('=', '')],
    ['base64url', awkward.toString('base64url')],
    ['base64url with padding', `${awkward.toString('base64url')}=`],
  ])('are read as %s', (_form, encoded) => {
    expect(keysOf(`a:${encoded}`)).toEqual([{ id: 'a', bytes: Uint8Array.from(awkward) }]);
  });

  test('keep their order, with spaces and line breaks between them', () => {
    const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    expect(keysOf(` 2026-01:${one} ,\n 2025.b_1 : ${two}\n`).map(({ id }) => id)).toEqual([
      '2026-01',
      '2025.b_1',
    ]);
  });

  test.each([
    ['a key without an id', KEY.toString('base64'), ['entry 1 must have the form id:base64']],
    [
      'an empty id',
      `:${KEY.toString('base64')}`,
      ['entry 1 needs an id of 1–64 of A–Z a–z 0–9 . _ - before the colon'],
    ],
    ['31 bytes', `k1:${randomBytes(31).toString('base64')}`, ['entry 1 holds 31 bytes instead of 32']],
    ['33 bytes', `k1:${randomBytes(33).toString('base64')}`, ['entry 1 holds 33 bytes instead of 32']],
    ['32 characters', `k1:${'a'.repeat(32)}`, ['entry 1 holds 24 bytes instead of 32']],
    ['hexadecimal', `k1:${KEY.toString('hex')}`, ['entry 1 holds 48 bytes instead of 32']],
    ['no base64', `k1:${'!'.repeat(44)}`, ['entry 1 is not base64']],
    ['a stray character', `k1:*${KEY.toString('base64')}`, ['entry 1 is not base64']],
    ['a trailing comma', `k1:${KEY.toString('base64')},`, ['entry 2 must have the form id:base64']],
    [
      'one id twice',
      `k1:${KEY.toString('base64')},k2:${KEY.toString('base64')},k1:${randomBytes(32).toString('base64')}`,
      ['entries 1 and 3 have the same id'],
    ],
  ])('are refused with %s', (_what, value, expected) => {
    expect(complaints(value)).toEqual(expected);
  });
});

describe('the verification of callers', () => {
  const { JWT_SECRET: _, ...withoutSecret } = MINIMAL;

  test('takes a secret by its UTF-8 bytes', () => {
    const { jwt } = configOf('server', { ...MINIMAL, JWT_SECRET: 'ü'.repeat(16) });
    expect(jwt.kind === 'secret' && jwt.secret.reveal()).toEqual(new TextEncoder().encode('ü'.repeat(16)));
    expect(problemsOf('server', { ...MINIMAL, JWT_SECRET: 'x'.repeat(31) })).toEqual({
      JWT_SECRET: ['must be at least 32 bytes long'],
    });
  });

  test('takes the published keys of an issuer', () => {
    expect(configOf('server', { ...withoutSecret, ...JWKS }).jwt).toEqual({
      kind: 'jwks',
      url: JWKS.JWT_JWKS_URL,
      issuer: JWKS.JWT_ISSUER,
      audience: JWKS.JWT_AUDIENCE,
    });
  });

  test.each(Object.keys(JWKS))('needs %s', (name) => {
    for (const role of ['server', 'dev'] as const) {
      expect(problemsOf(role, { ...withoutSecret, ...JWKS, [name]: undefined })).toEqual({
        [name]: ['is required'],
      });
    }
  });

  test('takes one of the two forms, never both', () => {
    expect(Object.keys(problemsOf('server', { ...MINIMAL, ...JWKS }))).toEqual(Object.keys(JWKS));
    expect(Object.keys(problemsOf('dev', { ...MINIMAL, JWT_ISSUER: 'x' }))).toEqual(['JWT_ISSUER']);
  });

  test('names both forms when neither is set', () => {
    expect(problemsOf('server', withoutSecret)).toEqual({
      JWT_SECRET: ['is required, or else all of JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE'],
    });
  });
});
