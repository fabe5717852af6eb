import type { ConnectionReason } from '../../contracts/step.ts';
import type { Deposit } from '../../schemas/deposit.ts';
import type { Grant } from '../credential.ts';

/** A stored credential that a deposit of one of its own refresh tokens meets. */
export interface MetCredential {
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  /** Whether it was deposited for the server as it is registered now. */
  isOfThisServer: boolean;
  /** A refresh may be under way. */
  isRefreshing: boolean;
  clientSecretExpiresAt: Date | null;
  /** Undefined: it can't be opened. */
  grant: Grant | undefined;
  /** Undefined: there is none, or it can't be opened. */
  accessToken: string | undefined;
  /** Whether the latest deposit with an access token brought the same one, and how long it said it was good for. */
  isAccessTokenOfBefore: boolean;
  expiresInOfBefore: number | null;
}

/** What a deposit of a refresh token that is known already makes of the stored credential. */
export interface Amendment {
  /** With the newest refresh token of the two. */
  grant: Grant;
  accessToken: 'kept' | 'dropped' | 'replaced';
  /** Undefined: what the authorization server has said of the scopes since still holds. */
  scopes: { granted: string | null } | undefined;
  /** Whoever saw the access token fail must not take it for a renewed one. */
  isNewToken: boolean;
}

/** The grant as a deposit says it. */
export function grantOf(deposit: Deposit): Grant {
  const { mcpServerId: _, accessToken: __, expiresIn: ___, clientSecretExpiresAt: ____, ...grant } = deposit;
  // The cast drops `| undefined` from the optional fields: JSON leaves them out.
  return grant as Grant;
}

/**
 * Compares a deposit of a refresh token that is known already with what is stored. Undefined: it changes nothing.
 *
 * @param isSpent the token has been renewed since: the newer one stays, and so does its access token
 */
export function amendmentBy(deposit: Deposit, met: MetCredential, isSpent: boolean): Amendment | undefined {
  // Without the newer token there is nothing to amend; and a spent token is never stored.
  if (isSpent && met.grant?.refreshToken === undefined) return undefined;
  const brought = isSpent ? 'nothing' : accessTokenBrought(deposit, met);
  const differs = met.grant === undefined || brought === 'another' || changesGrant(deposit, met.grant, met);
  if (!differs && !mayHelpAgain(met, isSpent)) return undefined;
  return amend(deposit, met, isSpent, brought);
}

function amend(deposit: Deposit, met: MetCredential, isSpent: boolean, brought: Brought): Amendment {
  const { grant: stored } = met;
  const isLive = met.status === 'connected' && met.isOfThisServer;
  const asksTheSame = stored?.scopes === deposit.scopes && stored?.resource === deposit.resource;
  const accessToken = whatBecomesOfAccessToken(brought, isLive && asksTheSame && !met.isRefreshing);
  const newer = isSpent ? stored?.refreshToken : undefined;
  const keepsScopes = asksTheSame && accessToken !== 'replaced';
  return {
    grant: { ...grantOf(deposit), ...(newer !== undefined && { refreshToken: newer }) },
    accessToken,
    scopes: keepsScopes ? undefined : { granted: deposit.scopes ?? null },
    isNewToken: accessToken !== 'kept' || !isLive,
  };
}

/** `nothing`: none, or one that is no longer stored because it has been renewed or dropped since its deposit. */
type Brought = 'nothing' | 'the-stored' | 'another';

function accessTokenBrought({ accessToken, expiresIn }: Deposit, met: MetCredential): Brought {
  if (accessToken === undefined) return 'nothing';
  if (met.grant === undefined) return 'another';
  const isStored = accessToken === met.accessToken;
  if (!met.isAccessTokenOfBefore) return isStored ? 'the-stored' : 'another';
  if (!isStored) return 'nothing';
  return met.expiresInOfBefore === (expiresIn ?? null) ? 'the-stored' : 'another';
}

// A step that waits for more scope would be refused again with a token of before.
function whatBecomesOfAccessToken(brought: Brought, isStillGood: boolean): Amendment['accessToken'] {
  switch (brought) {
    case 'another':
      return 'replaced';
    case 'the-stored':
      return 'kept';
    case 'nothing':
      return isStillGood ? 'kept' : 'dropped';
    default:
      return brought satisfies never;
  }
}

const FIELDS = [
  'tokenEndpoint',
  'clientId',
  'clientSecret',
  'tokenEndpointAuthMethod',
  'scopes',
  'resource',
  'issuer',
] as const;

function changesGrant(deposit: Deposit, stored: Grant, met: MetCredential): boolean {
  const { clientSecretExpiresAt } = deposit;
  const expiry = clientSecretExpiresAt === undefined ? undefined : Date.parse(clientSecretExpiresAt);
  return (
    FIELDS.some((field) => deposit[field] !== stored[field]) ||
    expiry !== met.clientSecretExpiresAt?.getTime()
  );
}

/**
 * Whether the same deposit may help where nothing differs: somebody may have mended at the authorization server, or
 * here, what the connection waits for. A grant that was refused stays refused, and a spent token says nothing new.
 */
function mayHelpAgain({ status, reason, isOfThisServer }: MetCredential, isSpent: boolean): boolean {
  const isRefused = reason === 'invalid-grant' || reason === 'refresh-outcome-lost';
  if (status === 'reauth-required' && isRefused) return false;
  return !isOfThisServer || (status === 'reauth-required' && !isSpent);
}

/**
 * The deposit of a spent token with the stored client, where it names none. A refresh token is bound to its client (RFC
 * 6749 §10.4): left out by a deposit of before, it must not be taken from the newer token.
 */
export function withStoredClient(deposit: Deposit, { grant, clientSecretExpiresAt }: MetCredential): Deposit {
  if (deposit.clientId !== undefined || grant?.clientId === undefined) return deposit;
  return {
    ...deposit,
    clientId: grant.clientId,
    clientSecret: grant.clientSecret,
    clientSecretExpiresAt: deposit.clientSecretExpiresAt ?? clientSecretExpiresAt?.toISOString(),
    tokenEndpointAuthMethod: deposit.tokenEndpointAuthMethod ?? grant.tokenEndpointAuthMethod,
  };
}
