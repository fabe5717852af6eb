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
export type GrantDeposit = Omit<Deposit, 'refreshToken' | keyof DepositCondition> &
  Partial<Pick<Deposit, 'refreshToken'>> & {
    /** From our own flow: there is a person who can be asked, and `scopes` are the granted ones. */
    isConsent?: true;
    /** Of the authorization request. */
    requestedScopes?: string | undefined;
  };

/** What a request says about whether its deposit is stored at all. */
export type DepositCondition = Pick<Deposit, 'onlyIfAbsent' | 'unlessDisconnected' | 'validateOnly'>;

/** The grant as it was deposited. Copied field by field, so that it holds nothing that a refresh does not need. */
export function grantOf(deposit: GrantDeposit): Grant {
  const { refreshToken, tokenEndpoint, clientId, clientSecret, tokenEndpointAuthMethod } = deposit;
  const accessToken = refreshToken === undefined ? deposit.accessToken : undefined;
  const { resource, issuer, requestedScopes } = deposit;
  // RFC 6749 §6: a refresh without scopes keeps those that were granted.
  const scopes = deposit.isConsent ? undefined : deposit.scopes;
  const client = { clientId, clientSecret, tokenEndpointAuthMethod };
  const grant = {
    refreshToken,
    accessToken,
    tokenEndpoint,
    ...client,
    scopes,
    requestedScopes,
    resource,
    issuer,
  };
  // The cast drops `| undefined` from the optional fields: JSON leaves them out.
  return grant as Grant;
}

/** Whether two grants are of the same client at the same authorization server. */
export function isSameClient(deposit: GrantDeposit, grant: Grant): boolean {
  return (['tokenEndpoint', 'issuer', 'clientId'] as const).every((field) => deposit[field] === grant[field]);
}

/** Whose account it is at the provider, and what it is called. */
export interface Identity {
  label: string | null;
  subject: string | null;
}

/**
 * Whether the deposit is for another person at the provider than the stored connection. A consent that does not say
 * whose it is may be: otherwise it would replace the connection, and what it is recognized by, without a question.
 */
export function isForAnother({ subject, isConsent }: GrantDeposit, stored: Identity): boolean {
  if (stored.subject === null) return false;
  return subject === undefined ? isConsent === true : subject !== stored.subject;
}

/** The identity after a deposit of the same grant: what it does not name stays, unless it is for another person. */
function identityAfter(deposit: GrantDeposit, stored: Identity): Identity {
  const kept = isForAnother(deposit, stored) ? { label: null, subject: null } : stored;
  return { label: deposit.label ?? kept.label, subject: deposit.subject ?? kept.subject };
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
  comparedToken: DepositedAccessToken,
): Amendment {
  const { grant } = stored;
  const isLive = stored.status === 'connected' && stored.isOfCurrentServer;
  const deposited = grantOf(deposit);
  const isSameRequest = REQUEST.every((field) => grant?.[field] === deposited[field]);
  const accessToken = accessTokenAfter(comparedToken, isLive && isSameRequest && !stored.isRefreshing);
  const newerToken = isSpent ? grant?.refreshToken : undefined;
  const keepsScopes = isSameRequest && accessToken !== 'replaced';
  return {
    grant: { ...deposited, ...(newerToken !== undefined && { refreshToken: newerToken }) },
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
  'requestedScopes',
] as const;

/** What an access token is requested with. */
const REQUEST = ['scopes', 'requestedScopes', 'resource'] as const;

function changesGrant(deposit: GrantDeposit, grant: Grant, stored: AmendableCredential): boolean {
  const { clientSecretExpiresAt } = deposit;
  const deposited = grantOf(deposit);
  const expiry = clientSecretExpiresAt === undefined ? undefined : Date.parse(clientSecretExpiresAt);
  return (
    FIELDS.some((field) => deposited[field] !== grant[field]) ||
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
