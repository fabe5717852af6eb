import { expect, test, vi } from 'vitest';
import { obstacleOfRefusal } from '../../src/activities/obstacle.ts';
import type { ReadyAccess } from '../../src/credentials/access.ts';
import type { RefusedByServer } from '../../src/mcp/port.ts';

const REFUSAL: RefusedByServer = { kind: 'insufficient-scope', challengedScopes: ['admin'] };
const seen = { credentialVersion: 3, tokenVersion: 4 };

function accessOf(
  requestedScopes?: () => Promise<string[] | undefined>,
  token: Pick<ReadyAccess, 'tokenIsExpired'> = {},
): ReadyAccess {
  const access = { server: { auth: { type: 'oauth2' } }, versions: seen, grantedScopes: ['read'] };
  // The cast leaves out what a refusal does not look at.
  return { ...access, ...token, ...(requestedScopes && { requestedScopes }) } as unknown as ReadyAccess;
}

test('a challenge for scopes says what the consent was asked for', async () => {
  const access = accessOf(async () => ['read', 'write']);

  expect(await obstacleOfRefusal(REFUSAL, access)).toEqual({
    kind: 'insufficient-scope',
    seen,
    challengedScopes: ['admin'],
    requiredScopes: ['read', 'admin'],
    requestedScopes: ['read', 'write'],
  });
});

test('a challenge for scopes leaves that out where it is unknown', async () => {
  expect(
    await obstacleOfRefusal(
      REFUSAL,
      accessOf(async () => undefined),
    ),
  ).not.toHaveProperty('requestedScopes');
});

test('a 401 does not decrypt the grant', async () => {
  const requestedScopes = vi.fn(async () => ['read']);

  expect(await obstacleOfRefusal({ kind: 'unauthorized' }, accessOf(requestedScopes))).toEqual({
    kind: 'unauthorized',
    seen,
  });
  expect(requestedScopes).not.toHaveBeenCalled();
});

test.each([
  { token: 'an expired token', isExpired: true, said: { expired: true } },
  { token: 'a token that is still good', isExpired: false, said: {} },
])('a 401 to $token is reported with $said', async ({ isExpired, said }) => {
  const access = accessOf(undefined, { tokenIsExpired: () => isExpired });

  expect(await obstacleOfRefusal({ kind: 'unauthorized' }, access)).toStrictEqual({
    kind: 'unauthorized',
    seen,
    ...said,
  });
});
