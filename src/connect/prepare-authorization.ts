import type { CredentialKey } from '../contracts/activities.ts';
import { splitScopes } from '../contracts/scopes.ts';
import { openGrant } from '../credentials/credential.ts';
import { type Connection, readConnection } from '../credentials/credential-store.ts';
import { requiredScopesOfWaiters } from '../credentials/waiters/waiter-store.ts';
import { probeAuthorization } from '../mcp/http/probe-authorization.ts';
import { resourceOf } from '../oauth/resource-of.ts';
import { addressOf, type ServerAuth, type ServerSecrets } from '../servers/registered-server.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Vault } from '../vault/vault.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type ClientQuestion, chooseClient, type FlowClient } from './clients/choose-client.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { type DiscoveredAuthorization, discoverAuthorization } from './discover-authorization.ts';
import { type FlowRefusal, refused } from './flow-refusal.ts';

/** Everything that an authorization request is made of. */
export interface PreparedAuthorization {
  metadata: DiscoveredAuthorization['metadata'];
  client: FlowClient;
  redirectUri: string;
  resource?: string;
  scope?: string;
  authorizationParams?: Record<string, string>;
  /** The grant is bound to the server as it is registered now. */
  serverRevision: number;
}

type OAuth2 = Extract<ServerAuth, { type: 'oauth2' }>;

/**
 * Finds out where to ask for consent, as which client, and for what.
 *
 * @param skipCache an earlier try failed, so what is known of the authorization server may be out of date
 */
export async function prepareAuthorization(
  deps: ConnectDependencies,
  key: CredentialKey,
  skipCache: boolean,
): Promise<{ kind: 'prepared'; prepared: PreparedAuthorization } | FlowRefusal> {
  const connection = await readConnection(deps.db, key);
  if (connection === undefined) return refused('unknown-server', 'the MCP server is not registered');
  const { server } = connection;
  if (server.auth.type !== 'oauth2') return refused('no-oauth', 'the MCP server is registered without OAuth');
  const opened = await openServerSecrets(deps.vault, server.id, connection.secretJwe);
  if (opened.kind === 'undecryptable') return refused('misconfigured', opened.message);
  if (opened.kind === 'key-missing') return keyMissing(opened.kid);
  // The MCP server may have moved to another authorization server, which would end the connection.
  const hasEnded = connection.credential.state.status === 'reauth-required';
  const options = { secrets: opened.secrets, skipCache: skipCache || hasEnded };
  const found = await discover(deps, connection, options);
  if (found.kind === 'refused') return found;
  const isRefused = await refusedClient(deps.vault, key, connection);
  const { metadata } = found;
  const choice = await chooseClient(deps, { server, secrets: opened.secrets, metadata, isRefused });
  if (choice.kind === 'key-missing') return keyMissing(choice.kid);
  if (choice.kind === 'refused') return choice;
  const resource = resourceOf(server.url, server.auth, found.resource);
  const scope = await scopeOf(deps, key, { connection, auth: server.auth, ...found });
  return {
    kind: 'prepared',
    prepared: {
      metadata,
      client: choice.client,
      redirectUri: choice.redirectUri,
      serverRevision: server.revision,
      ...(resource !== undefined && { resource }),
      ...(scope !== undefined && { scope }),
      ...(server.auth.authorizationParams && { authorizationParams: server.auth.authorizationParams }),
    },
  };
}

async function discover(
  deps: ConnectDependencies,
  { server }: Connection,
  { secrets, skipCache }: { secrets: ServerSecrets; skipCache: boolean },
): Promise<DiscoveredAuthorization | FlowRefusal> {
  const url = addressOf(server, secrets);
  const target = { url, headers: secrets.headers ?? {} };
  const probe = await probeAuthorization(deps.guardedFetch, target, { clientVersion: deps.version });
  return discoverAuthorization(deps.authorizationServers, { ...server, url }, { probe, skipCache });
}

async function scopeOf(
  { db, vault }: ConnectDependencies,
  key: CredentialKey,
  { connection, auth, ...found }: DiscoveredAuthorization & { connection: Connection; auth: OAuth2 },
): Promise<string | undefined> {
  const required = await requiredScopesOfWaiters(db, key);
  return chooseScopes({
    challenged: found.challenged,
    registered: auth.scopes,
    ofResource: found.resource?.scopesSupported,
    ofAuthorizationServer: found.metadata.scopesSupported,
    required,
    previous: required.length > 0 ? await previousScopes(vault, key, connection) : [],
  });
}

async function previousScopes(
  vault: Vault,
  key: CredentialKey,
  { credential }: Connection,
): Promise<string[]> {
  const { grantJwe, scopes } = credential;
  const opened = grantJwe === null ? undefined : await openGrant(vault, key, grantJwe);
  const { requestedScopes, scopes: repeated } = opened?.kind === 'opened' ? opened.grant : {};
  return [...splitScopes(requestedScopes ?? repeated), ...scopes];
}

const CLIENT_REFUSALS = ['invalid-client', 'client-secret-expired'];

// A connection that ended because of its client shows that the authorization server does not know it any more. A user
// may deposit any client, so it must have the secret of the registration, which no user knows.
async function refusedClient(
  vault: Vault,
  key: CredentialKey,
  { credential: { state, grantJwe } }: Connection,
): Promise<ClientQuestion['isRefused']> {
  const isRefused = state.status === 'reauth-required' && CLIENT_REFUSALS.includes(state.reason);
  const opened = isRefused && grantJwe !== null ? await openGrant(vault, key, grantJwe) : undefined;
  return ({ clientId, clientSecret }) =>
    opened?.kind === 'opened' &&
    opened.grant.clientId === clientId &&
    opened.grant.clientSecret === clientSecret;
}

function keyMissing(kid: string): FlowRefusal {
  return refused('encryption-key-missing', `encryption key ${kid} is not configured`);
}
