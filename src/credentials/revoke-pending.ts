import type { CredentialKey } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import type { GuardedFetch } from '../net/network.ts';
import type { AuthorizationServerLookup } from '../oauth/discovery.ts';
import { type RevocationOutcome, revokeToken } from '../oauth/revoke-token.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Grant } from './credential.ts';
import { type Connection, readConnection } from './credential-store.ts';
import { dropPendingRevocation, findPendingRevocation } from './disconnect-credential.ts';
import type { Vault } from './vault.ts';

export interface RevocationDependencies {
  db: Db;
  vault: Vault;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  logger: Logger;
}

/**
 * Revokes a user's disconnected grant, where its authorization server announces an endpoint for it (RFC 7009,
 * RFC 8414), and wipes what was kept. `failed`: nothing was wiped, try again.
 */
export async function revokePending(
  deps: RevocationDependencies,
  key: CredentialKey,
): Promise<RevocationOutcome | 'nothing-to-do'> {
  const pending = await findPendingRevocation(deps.db, key);
  if (pending === undefined) return 'nothing-to-do';
  const connection = await readConnection(deps.db, key);
  const opened = await deps.vault.open('grant', key, pending.jwe);
  const isOpen = connection !== undefined && opened.kind === 'opened';
  // The cast is safe: the vault opens only what `Grant` was sealed into.
  const outcome = isOpen ? await revoke(deps, connection, JSON.parse(opened.plaintext) as Grant) : 'refused';
  if (outcome === 'failed') return outcome;
  await dropPendingRevocation(deps.db, key);
  deps.logger.info({ event: 'grant.revoked', ...key, outcome }, 'grant.revoked');
  return outcome;
}

async function revoke(
  deps: RevocationDependencies,
  connection: Connection,
  grant: Grant,
): Promise<RevocationOutcome> {
  const { refreshToken, issuer } = grant;
  if (refreshToken === undefined) return 'refused';
  const found = issuer
    ? await deps.authorizationServers.ofIssuer(issuer, 'user')
    : await deps.authorizationServers.ofMcpServer(connection.server);
  if (found.kind === 'unavailable') return 'failed';
  if (found.kind === 'misconfigured') return 'refused';
  const { revocationEndpoint, tokenEndpoint, addressFrom } = found.metadata;
  // Metadata of another authorization server than the one that the token is from must not get to see it.
  if (revocationEndpoint === undefined || tokenEndpoint !== grant.tokenEndpoint) return 'refused';
  const client = await clientOf(deps, connection, grant);
  return revokeToken(deps.guardedFetch, { ...client, revocationEndpoint, addressFrom, refreshToken });
}

async function clientOf({ vault }: RevocationDependencies, { server, secretJwe }: Connection, grant: Grant) {
  const { clientId, clientSecret, tokenEndpointAuthMethod } = grant;
  const method = tokenEndpointAuthMethod && { tokenEndpointAuthMethod };
  if (clientId !== undefined) return { clientId, ...(clientSecret && { clientSecret }), ...method };
  if (server.auth.type !== 'oauth2' || server.auth.clientId === undefined) return {};
  const opened = await openServerSecrets(vault, server.id, secretJwe);
  const secret = opened.kind === 'opened' ? opened.secrets.clientSecret : undefined;
  return { clientId: server.auth.clientId, ...(secret && { clientSecret: secret }), ...method };
}
