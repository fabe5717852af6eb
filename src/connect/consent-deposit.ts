import type { GrantDeposit } from '../credentials/deposit/deposited-grant.ts';
import { lifetimeSeconds } from '../credentials/token-lifetime.ts';
import { accountSubject } from '../oauth/account-subject.ts';
import type { TokenAnswer } from '../oauth/token-answer.ts';
import type { AuthorizationUnderWay } from './begin-authorization.ts';
import type { ConnectDependencies } from './dependencies.ts';
import type { ConnectSession } from './sessions/connect-session.ts';

/** RFC 6750 §2.1 allows less; a token with other characters can't be sent in a header. */
const SENDABLE = /^[\x21-\x7e]+$/;

/**
 * Returns the deposit that a token answer makes: the grant, its client, and whose account it is. Or the code of the
 * failure: the answer has no access token that could be sent, or an ID token that is not valid.
 */
export async function consentDeposit(
  { guardedFetch }: ConnectDependencies,
  { key }: ConnectSession,
  underWay: AuthorizationUnderWay,
  answer: TokenAnswer,
): Promise<GrantDeposit | 'no-access-token' | 'malformed-answer'> {
  const { accessToken, refreshToken } = answer;
  if (accessToken === undefined || !SENDABLE.test(accessToken)) return 'no-access-token';
  const { metadata, client, nonce } = underWay;
  const { issuer } = metadata;
  const request = {
    metadata,
    answer,
    clientId: client.clientId,
    issuer,
    ...(nonce !== undefined && { nonce }),
  };
  const account = await accountSubject(guardedFetch, request);
  if (account === 'invalid-id-token') return 'malformed-answer';
  const { subject, label } = account;
  return {
    mcpServerId: key.mcpServerId,
    account: key.account,
    tokenEndpoint: metadata.tokenEndpoint,
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    expiresIn: lifetimeSeconds(answer.expiresIn),
    isConsent: true,
    scopes: answer.scope ?? underWay.scope,
    requestedScopes: underWay.scope,
    resource: underWay.resource,
    // A refresh goes to this one of the authorization servers that the MCP server names.
    issuer: metadata.isIssuerKnown === false ? undefined : issuer,
    subject,
    label,
    ...ownClient(underWay),
  };
}

// A grant of the operator's client names no client, so that it follows the registration when its secret changes.
function ownClient({ client }: AuthorizationUnderWay): Partial<GrantDeposit> {
  if (client.source === 'operator') return {};
  const { clientId, clientSecret, clientSecretExpiresAt, tokenEndpointAuthMethod: method } = client;
  const isKeyless = method !== undefined && method !== 'private_key_jwt' && !client.isMethodAssumed;
  return {
    clientId,
    clientSecret,
    clientSecretExpiresAt,
    tokenEndpointAuthMethod: isKeyless ? method : undefined,
  };
}
