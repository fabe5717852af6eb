import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { GuardedFetch } from '../../net/network.ts';
import type { ClientCredentials } from '../../oauth/client-authentication.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import { type RevocationOutcome, revokeToken, type TokenType } from '../../oauth/revoke-token.ts';
import { addressOf } from '../../servers/registered-server.ts';
import { openServerSecrets } from '../../servers/server-secrets.ts';
import type { Vault } from '../../vault/vault.ts';
import { type Grant, openGrant } from '../credential.ts';
import { type Connection, readConnection } from '../credential-store.ts';
import { isSameOrigin, isSameUrl, registeredAddresses } from '../deposit/vet-deposit.ts';
import { operatorClientId, operatorCredentials, statedAuthMethod } from '../refresh/operator-client.ts';
import { dropPendingRevocation, findPendingRevocation } from './disconnect-credential.ts';

export interface RevocationDependencies {
  db: Db;
  vault: Vault;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  logger: Logger;
}

/**
 * Revokes a user's disconnected grant, if its authorization server announces an endpoint for that, and deletes the kept
 * grant. `failed`: the grant is still kept, try again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009, https://www.rfc-editor.org/rfc/rfc8414#section-2
 */
export async function revokePending(
  deps: RevocationDependencies,
  key: CredentialKey,
): Promise<RevocationOutcome | 'nothing-to-do'> {
  const jwe = await findPendingRevocation(deps.db, key);
  if (jwe === undefined) return 'nothing-to-do';
  const { outcome, tokenType } = await openAndRevoke(deps, key, jwe);
  if (outcome === 'failed') return outcome;
  await dropPendingRevocation(deps.db, key, jwe);
  const event = outcome === 'revoked' ? 'grant.revoked' : 'grant.not-revoked';
  deps.logger.info({ event, ...key, outcome, ...(tokenType !== undefined && { tokenType }) }, event);
  return outcome;
}

interface Attempt {
  outcome: RevocationOutcome;
  /** Of the token that was sent; absent: none was. */
  tokenType?: TokenType;
}

async function openAndRevoke(
  deps: RevocationDependencies,
  key: CredentialKey,
  jwe: string,
): Promise<Attempt> {
  const connection = await readConnection(deps.db, key);
  if (connection === undefined) return NOT_SENT;
  const opened = await openGrant(deps.vault, key, jwe);
  switch (opened.kind) {
    case 'opened':
      return revoke(deps, connection, opened.grant);
    case 'key-missing':
      return { outcome: 'failed' }; // until the operator has configured the key again
    case 'undecryptable':
      return NOT_SENT;
    default:
      return opened satisfies never;
  }
}

const NOT_SENT: Attempt = { outcome: 'refused' };

async function revoke(deps: RevocationDependencies, connection: Connection, grant: Grant): Promise<Attempt> {
  const revocable = revocableToken(grant);
  if (revocable === undefined) return NOT_SENT;
  const found = await findAuthorizationServer(deps, connection, grant);
  if (found.kind === 'unavailable') return { outcome: 'failed' };
  if (found.kind === 'misconfigured') return NOT_SENT;
  const { revocationEndpoint, tokenEndpoint, authMethod } = found.metadata;
  // The token must not be sent to another authorization server than the one that issued it.
  if (revocationEndpoint === undefined || !isSameUrl(tokenEndpoint, grant.tokenEndpoint)) return NOT_SENT;
  if (!found.isTrusted && !isSameOrigin(revocationEndpoint, tokenEndpoint)) return NOT_SENT;
  const client = await clientOf(deps, connection, grant, found.metadata.issuer);
  if (client === undefined) return { outcome: 'failed' };
  const stated = statedAuthMethod(connection.server, grant);
  const method = stated ?? connection.credential.learned.authMethod ?? authMethod;
  const outcome = await revokeToken(deps.guardedFetch, {
    ...client,
    ...(method !== undefined && { tokenEndpointAuthMethod: method }),
    isMethodAssumed: stated === undefined,
    revocationEndpoint,
    addressFrom:
      registeredRevocationEndpoint(connection) === undefined ? found.metadata.addressFrom : 'admin',
    ...revocable,
  });
  return { outcome, tokenType: revocable.tokenType };
}

// The access token of a grant that can't be renewed is all there is to revoke (RFC 7009 §2.1).
function revocableToken({
  refreshToken,
  accessToken,
}: Grant): { token: string; tokenType: TokenType } | undefined {
  if (refreshToken !== undefined) return { token: refreshToken, tokenType: 'refresh_token' };
  return accessToken === undefined ? undefined : { token: accessToken, tokenType: 'access_token' };
}

// Metadata that the MCP server points to is not trusted: it may name the token endpoint of another authorization
// server, beside a revocation endpoint that collects tokens. An issuer in a grant may come from there, too, so it is
// trusted only at the token endpoint's origin. An admin may name any authorization server or endpoint.
async function findAuthorizationServer(
  { authorizationServers, vault }: RevocationDependencies,
  connection: Connection,
  grant: Grant,
) {
  const { server, secretJwe } = connection;
  const isNamed =
    registeredAddresses(server).length > 0 || registeredRevocationEndpoint(connection) !== undefined;
  const mayDepositName = !isNamed && operatorClientId(server, grant) === undefined;
  if (mayDepositName && grant.issuer !== undefined) {
    const isTrusted = isSameOrigin(grant.issuer, grant.tokenEndpoint);
    return { ...(await authorizationServers.ofIssuer(grant.issuer, 'user')), isTrusted };
  }
  const opened = await openServerSecrets(vault, server.id, secretJwe);
  const url = addressOf(server, opened.kind === 'opened' ? opened.secrets : {});
  return { ...(await authorizationServers.ofMcpServer({ ...server, url }, { grant })), isTrusted: isNamed };
}

function registeredRevocationEndpoint({ server: { auth } }: Connection): string | undefined {
  return auth.type === 'oauth2' ? auth.revocationEndpoint : undefined;
}

/** Undefined: the operator's secret can't be decrypted now. */
async function clientOf(
  { vault }: RevocationDependencies,
  { server, secretJwe }: Connection,
  grant: Grant,
  issuer: string,
): Promise<ClientCredentials | undefined> {
  const { clientId, clientSecret } = grant;
  if (clientId !== undefined) return { clientId, ...(clientSecret && { clientSecret }) };
  const operatorClient = operatorClientId(server, grant);
  if (operatorClient === undefined) return {};
  const opened = await openServerSecrets(vault, server.id, secretJwe);
  if (opened.kind !== 'opened') return undefined;
  return operatorCredentials(operatorClient, opened.secrets, issuer);
}
