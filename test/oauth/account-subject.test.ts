import { UnsecuredJWT } from 'jose';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { type AccountSubjectRequest, accountSubject } from '../../src/oauth/account-subject.ts';
import {
  cut,
  json,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../credentials/refresh/scripted-token-endpoint.ts';

const ISSUER = 'https://as.example';
let server: ScriptedTokenEndpoint;

beforeEach(async () => {
  server = await startScriptedTokenEndpoint();
  return () => server.stop();
});

const inAMinute = () => Math.floor(Date.now() / 1000) + 60;

function idToken(claims: object = {}): string {
  return new UnsecuredJWT({
    iss: ISSUER,
    aud: 'me',
    sub: 'u1',
    exp: inAMinute(),
    nonce: 'n1',
    ...claims,
  }).encode();
}

interface Options extends Partial<AccountSubjectRequest> {
  token?: string;
  scope?: string;
  userinfo?: string;
}

function subject({ token, scope, userinfo, ...changes }: Options) {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  return accountSubject(network.fetch, {
    metadata: {
      addressFrom: 'user',
      tokenEndpoint: server.url,
      ...(userinfo !== undefined && { userinfoEndpoint: userinfo }),
    },
    answer: { accessToken: 'at-1', ...(token && { idToken: token }), ...(scope && { scope }) },
    clientId: 'me',
    nonce: 'n1',
    issuer: ISSUER,
    ...changes,
  });
}

test('is what the ID token says', async () => {
  expect(await subject({ token: idToken({ email: 'a@b.example', name: 'A' }) })).toEqual({
    subject: 'u1',
    label: 'a@b.example',
  });
  expect(await subject({ token: idToken({ aud: ['other', 'me'], azp: 'me', name: 'A' }) })).toEqual({
    subject: 'u1',
    label: 'A',
  });
});

test.each([
  ['another audience', { aud: 'another' }],
  ['another party that it is for', { aud: ['me', 'b'], azp: 'b' }],
  ['another nonce', { nonce: 'n2' }],
  ['no nonce', { nonce: undefined }],
  ['an end that is over', { exp: Math.floor(Date.now() / 1000) - 120 }],
  ['no end', { exp: undefined }],
])('spoils the answer with an ID token with %s', async (_what, claims) => {
  expect(await subject({ token: idToken(claims) })).toBe('invalid-id-token');
});

test('is not taken from an ID token of another issuer', async () => {
  expect(await subject({ token: idToken({ iss: 'https://evil.example' }) })).toEqual({});
});

test('is taken from any issuer where the issuer is unknown, but only for this client and request', async () => {
  const metadata = { addressFrom: 'admin', tokenEndpoint: server.url, isIssuerKnown: false } as const;

  expect(await subject({ metadata, token: idToken({ iss: 'https://accounts.example' }) })).toEqual({
    subject: 'u1',
  });
  expect(await subject({ metadata, token: idToken({ aud: 'another' }) })).toBe('invalid-id-token');
  expect(await subject({ metadata, token: idToken({ nonce: 'n2' }) })).toBe('invalid-id-token');
});

test.each(['', 'nonsense', 'a.b.c', `${'x'.repeat(100_000)}`])('is not taken from %#', async (token) => {
  expect(await subject({ token })).toEqual({});
});

test('is what the userinfo endpoint says, without an ID token', async () => {
  server.answer(json(200, { sub: 'u1', preferred_username: 'zoe' }), '/me');

  const found = await subject({ userinfo: `${server.origin}/me` });

  expect(found).toEqual({ subject: 'u1', label: 'zoe' });
  expect(server.seen[0]?.headers.authorization).toBe('Bearer at-1');
});

test('has the label of the userinfo endpoint only if that is about the same subject', async () => {
  const userinfo = `${server.origin}/me`;
  server.answer(json(200, { sub: 'u1', email: 'a@b.example' }), '/me');
  expect(await subject({ token: idToken(), userinfo })).toEqual({ subject: 'u1', label: 'a@b.example' });

  server.answer(json(200, { sub: 'u2', email: 'x@b.example' }), '/me');
  expect(await subject({ token: idToken(), userinfo })).toEqual({ subject: 'u1' });
});

test('is not asked for where the granted scopes lack openid', async () => {
  server.answer(json(200, { sub: 'u1' }), '/me');

  expect(await subject({ userinfo: `${server.origin}/me`, scope: 'files' })).toEqual({});

  expect(server.seen).toEqual([]);
});

test('never sends the token to another origin that only the MCP server vouches for', async () => {
  const other = await startScriptedTokenEndpoint();
  onTestFinished(() => other.stop());
  other.answer(json(200, { sub: 'u1' }), '/me');
  const userinfo = `${other.origin}/me`;

  expect(await subject({ userinfo })).toEqual({});
  expect(other.seen).toEqual([]);

  const metadata = { addressFrom: 'admin', tokenEndpoint: server.url, userinfoEndpoint: userinfo } as const;
  expect(await subject({ metadata })).toEqual({ subject: 'u1' });
});

test.each([
  ['refuses', raw(401, '')],
  ['is down', raw(503, '')],
  ['cuts the connection', cut()],
  ['answers HTML', raw(200, '<html>')],
  ['answers null', json(200, null)],
  ['names what is no text', json(200, { sub: 42, email: { a: 1 } })],
  ['names too long a text', json(200, { sub: 'x'.repeat(256) })],
  ['names a line break', json(200, { sub: 'a\nb' })],
])('is unknown where the userinfo endpoint %s', async (_what, reply) => {
  server.answer(reply, '/me');

  expect(await subject({ userinfo: `${server.origin}/me` })).toEqual({});
});
