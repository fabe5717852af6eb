import type { ConnectionReason } from '../../contracts/step.ts';
import type { Deposit } from '../../schemas/deposit.ts';
import type { Grant } from '../credential.ts';

/** A stored credential, as a deposit of its current refresh token, or of a spent one, finds it. */
export interface AmendableCredential {
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  /** It was deposited for the server as it is registered now. */
  isOfCurrentServer: boolean;
  /** A refresh may be under way. */
  isRefreshing: boolean;
  clientSecretExpiresAt: Date | null;
  /** Undefined: it can't be decrypted. */
  grant: Grant | undefined;
  /** Undefined: there is none, or it can't be decrypted. */
  accessToken: string | undefined;
  /** The latest deposit with an access token brought the same one. */
  isAccessTokenOfLastDeposit: boolean;
  /** The lifetime that the latest deposit with an access token stated for it. */
  expiresInOfLastDeposit: number | null;
  identity: Identity;
}

/** What a deposit of a known refresh token changes in the stored credential. */
export interface Amendment {
  /** With the newer of the two refresh tokens. */
  grant: Grant;
  accessToken: 'kept' | 'dropped' | 'replaced';
  /** Undefined: the granted scopes stay as the authorization server has stated them since. */
  scopes: { granted: string | null } | undefined;
  /** Raises the token version. A step whose access token was refused must not see that token as a renewed one. */
  isNewToken: boolean;
  identity: Identity;
}

/**
 * A deposit as it is stored. Over HTTP it has a refresh token. A consent in the browser may bring none: such a grant
 * works until its access token expires or is refused.
 */
export type GrantDeposit = Omit<Deposit, 'refreshToken'> & Partial<Pick<Deposit, 'refreshToken'>>;

/** The grant as it was deposited. Copied field by field, so that it holds nothing that a refresh does not need. */
export function grantOf(deposit: GrantDeposit): Grant {
  const { refreshToken, tokenEndpoint, clientId, clientSecret, tokenEndpointAuthMethod } = deposit;
  const { scopes, resource, issuer } = deposit;
  const client = { clientId, clientSecret, tokenEndpointAuthMethod };
  const grant = { refreshToken, tokenEndpoint, ...client, scopes, resource, issuer };
  // The cast drops `| undefined` from the optional fields: JSON leaves them out.
  return grant as Grant;
}

/** Whose account it is at the provider, and what it is called. */
export interface Identity {
  label: string | null;
  subject: string | null;
}

/** Whether the deposit is for another person at the provider than the stored connection. */
export function isForAnother({ subject }: GrantDeposit, stored: Identity): boolean {
  return subject !== undefined && stored.subject !== null && subject !== stored.subject;
}

/** The identity after a deposit of the same grant: what it does not name stays, unless it is for another person. */
export function identityAfter(deposit: GrantDeposit, stored: Identity): Identity {
  const kept = isForAnother(deposit, stored) ? null : stored.label;
  return { label: deposit.label ?? kept, subject: deposit.subject ?? stored.subject };
}

/**
 * Compares a deposit of a known refresh token with the stored credential. Undefined: the deposit changes nothing.
 *
 * @param isSpent a renewal has replaced the token since: the newer token stays, and so does its access token
 */
export function amendmentOf(
  deposit: GrantDeposit,
  stored: AmendableCredential,
  isSpent: boolean,
): Amendment | undefined {
  // Without the newer token there is nothing to amend, because a spent token is never stored.
  if (isSpent && stored.grant?.refreshToken === undefined) return undefined;
  const deposited = isSpent ? 'none' : compareAccessToken(deposit, stored);
  const differs =
    stored.grant === undefined ||
    deposited === 'different' ||
    changesGrant(deposit, stored.grant, stored) ||
    changesIdentity(deposit, stored.identity);
  if (!differs && !mayRecover(stored, isSpent)) return undefined;
  return amend(deposit, stored, isSpent, deposited);
}

function amend(
  deposit: GrantDeposit,
  stored: AmendableCredential,
  isSpent: boolean,
  deposited: DepositedAccessToken,
): Amendment {
  const { grant } = stored;
  const isLive = stored.status === 'connected' && stored.isOfCurrentServer;
  const isSameRequest = grant?.scopes === deposit.scopes && grant?.resource === deposit.resource;
  const accessToken = accessTokenAfter(deposited, isLive && isSameRequest && !stored.isRefreshing);
  const newerToken = isSpent ? grant?.refreshToken : undefined;
  const keepsScopes = isSameRequest && accessToken !== 'replaced';
  return {
    grant: { ...grantOf(deposit), ...(newerToken !== undefined && { refreshToken: newerToken }) },
    accessToken,
    scopes: keepsScopes ? undefined : { granted: deposit.scopes ?? null },
    isNewToken: accessToken !== 'kept' || !isLive,
    identity: identityAfter(deposit, stored.identity),
  };
}

/** `none`: the deposit brings none, or one that a renewal or a deposit has replaced or dropped since. */
type DepositedAccessToken = 'none' | 'stored' | 'different';

function compareAccessToken(
  { accessToken, expiresIn }: GrantDeposit,
  stored: AmendableCredential,
): DepositedAccessToken {
  if (accessToken === undefined) return 'none';
  if (stored.grant === undefined) return 'different';
  const isStored = accessToken === stored.accessToken;
  if (!stored.isAccessTokenOfLastDeposit) return isStored ? 'stored' : 'different';
  if (!isStored) return 'none';
  return stored.expiresInOfLastDeposit === (expiresIn ?? null) ? 'stored' : 'different';
}

// The stored token is dropped if the deposit requests other scopes: a step that waits for a wider scope would be
// refused with it again.
function accessTokenAfter(deposited: DepositedAccessToken, isStoredGood: boolean): Amendment['accessToken'] {
  switch (deposited) {
    case 'different':
      return 'replaced';
    case 'stored':
      return 'kept';
    case 'none':
      return isStoredGood ? 'kept' : 'dropped';
    default:
      return deposited satisfies never;
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

function changesGrant(deposit: GrantDeposit, grant: Grant, stored: AmendableCredential): boolean {
  const { clientSecretExpiresAt } = deposit;
  const expiry = clientSecretExpiresAt === undefined ? undefined : Date.parse(clientSecretExpiresAt);
  return (
    FIELDS.some((field) => deposit[field] !== grant[field]) ||
    expiry !== stored.clientSecretExpiresAt?.getTime()
  );
}

function changesIdentity(deposit: GrantDeposit, stored: Identity): boolean {
  const { label, subject } = identityAfter(deposit, stored);
  return label !== stored.label || subject !== stored.subject;
}

/**
 * Whether a deposit that changes no field may help all the same: a person may have fixed at the authorization server,
 * or here, what the connection waits for. A grant that was refused stays refused, and a spent token proves nothing new.
 */
function mayRecover({ status, reason, isOfCurrentServer }: AmendableCredential, isSpent: boolean): boolean {
  const isRefused = reason === 'invalid-grant' || reason === 'refresh-outcome-lost';
  if (status === 'reauth-required' && isRefused) return false;
  return !isOfCurrentServer || (status === 'reauth-required' && !isSpent);
}

/**
 * Completes the deposit of a spent token with the stored client, if it names none. A refresh token is bound to its
 * client (RFC 6749 §10.4), so a deposit that leaves the client out must not separate the newer token from it.
 */
export function withStoredClient(
  deposit: GrantDeposit,
  { grant, clientSecretExpiresAt }: AmendableCredential,
): GrantDeposit {
  if (deposit.clientId !== undefined || grant?.clientId === undefined) return deposit;
  return {
    ...deposit,
    clientId: grant.clientId,
    clientSecret: grant.clientSecret,
    clientSecretExpiresAt: deposit.clientSecretExpiresAt ?? clientSecretExpiresAt?.toISOString(),
    tokenEndpointAuthMethod: deposit.tokenEndpointAuthMethod ?? grant.tokenEndpointAuthMethod,
  };
}
