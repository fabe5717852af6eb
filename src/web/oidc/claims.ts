import * as client from 'openid-client';
import { userIdFromClaim } from '../../schemas/user-claim.ts';
import type { WebUser } from '../session-store.ts';
import type { OidcClient } from './provider.ts';

type Claims = Readonly<Record<string, unknown>>;
type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/**
 * Returns the claims of the id token, and those of the userinfo endpoint where the id token lacks one that is needed:
 * many providers put claims of scopes only there.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
 */
export async function readClaims(
  provider: client.Configuration,
  tokens: Tokens,
  { userClaim, admin }: Pick<OidcClient, 'userClaim' | 'admin'>,
): Promise<Claims> {
  const claims = tokens.claims();
  if (claims === undefined) throw new Error('the provider sent no id token');
  const needed = admin === undefined ? [userClaim] : [userClaim, admin.claim];
  const isComplete = needed.every((name) => Object.hasOwn(claims, name));
  if (isComplete || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
  // The library checks that both are about the same `sub`.
  return { ...(await client.fetchUserInfo(provider, tokens.access_token, claims.sub)), ...claims };
}

/** Returns undefined if the user claim is missing or holds no user id. */
export function userOfClaims(
  claims: Claims,
  { userClaim, admin }: Pick<OidcClient, 'userClaim' | 'admin'>,
): WebUser | undefined {
  const userId = userIdFromClaim(claimOf(claims, userClaim));
  if (userId === undefined) return undefined;
  return { userId, isAdmin: admin !== undefined && holds(claimOf(claims, admin.claim), admin.value) };
}

function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Whether a claim is this value, or a list with it, such as `groups`. */
function holds(claim: unknown, value: string): boolean {
  if (Array.isArray(claim)) return claim.includes(value);
  return ['string', 'number', 'boolean'].includes(typeof claim) && String(claim) === value;
}
