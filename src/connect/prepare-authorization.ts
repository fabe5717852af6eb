import type { CredentialKey } from '../contracts/activities.ts';
import { splitScopes } from '../contracts/scopes.ts';
import { openGrant } from '../credentials/credential.ts';
import { type Connection, readConnection } from '../credentials/credential-store.ts';
import { requiredScopesOfWaiters } from '../credentials/waiters/waiter-store.ts';
import { probeAuthorization } from '../mcp/http/probe-authorization.ts';
import type { McpServerLookupOptions } from '../oauth/discovery.ts';
import type { AuthorizationServerMetadata, ProtectedResource } from '../oauth/issuer-metadata.ts';
import type { McpServerParty } from '../oauth/registered-endpoints.ts';
import { resourceOf } from '../oauth/resource-of.ts';
import { addressOf, type ServerAuth, type ServerSecrets } from '../servers/registered-server.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Vault } from '../vault/vault.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type ClientQuestion, chooseClient, type FlowClient } from './clients/choose-client.ts';
import type { ConnectCode } from './connect-code.ts';
import type { ConnectDependencies } from './dependencies.ts';

/** Everything that an authorization request is made of. */
export interface PreparedAuthorization {
  metadata: AuthorizationServerMetadata & { authorizationEndpoint: string };
  client: FlowClient;
  redirectUri: string;
  resource?: string;
  scope?: string;
  authorizationParams?: Record<string, string>;
  /** The grant is bound to the server as it is registered now. */
  serverRevision: number;
}

export interface FlowRefusal {
  kind: 'refused';
  code: ConnectCode;
  /** For the operator. Holds no secret. */
  message: string;
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

interface Discovered {
  kind: 'discovered';
  metadata: PreparedAuthorization['metadata'];
  resource: Partial<ProtectedResource> | undefined;
  /** The scope of the challenge. */
  challenged: string | undefined;
}

async function discover(
  deps: ConnectDependencies,
  { server }: Connection,
  { secrets, skipCache }: { secrets: ServerSecrets; skipCache: boolean },
): Promise<Discovered | FlowRefusal> {
  const url = addressOf(server, secrets);
  const target = { url, headers: secrets.headers ?? {} };
  const probe = await probeAuthorization(deps.guardedFetch, target, { clientVersion: deps.version });
  const isChallenged = probe.kind === 'challenged';
  const scope = isChallenged ? probe.scope : undefined;
  const challenge = isChallenged && { resourceMetadataUrl: probe.resourceMetadataUrl ?? null };
  const options = { skipCache, ...challenge };
  const found = await deps.authorizationServers.ofMcpServer({ ...server, url }, options);
  if (found.kind === 'misconfigured') return refused('misconfigured', found.message);
  if (found.kind === 'unavailable') {
    return refused('authorization-server-unavailable', `discovery failed: ${found.cause}`);
  }
  const { authorizationEndpoint, source, codeChallengeMethods = [] } = found.metadata;
  if (authorizationEndpoint === undefined) {
    return refused('misconfigured', 'the authorization server metadata names no authorization endpoint');
  }
  // MCP, "Authorization Code Protection": metadata without S256 mean that the server does not check it.
  if (source === 'metadata' && !codeChallengeMethods.includes('S256')) {
    return refused('pkce-not-supported', 'the authorization server does not announce PKCE with S256');
  }
  const metadata = { ...found.metadata, authorizationEndpoint };
  const resource = found.resource ?? (await scopesOfResource(deps, { ...server, url }, options));
  return { kind: 'discovered', metadata, resource, challenged: scope };
}

// Where the authorization server is registered, the MCP server is asked for its scopes alone: what a grant is bound to
// stays what an admin registered.
async function scopesOfResource(
  { authorizationServers }: ConnectDependencies,
  server: McpServerParty,
  options: McpServerLookupOptions,
): Promise<Discovered['resource']> {
  if (server.auth.authorizationServer === undefined) return undefined;
  const scopesSupported = await authorizationServers.scopesOfMcpServer(server, options);
  return scopesSupported && { scopesSupported };
}

async function scopeOf(
  { db, vault }: ConnectDependencies,
  key: CredentialKey,
  { connection, auth, ...found }: Discovered & { connection: Connection; auth: OAuth2 },
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

function refused(code: ConnectCode, message: string): FlowRefusal {
  return { kind: 'refused', code, message };
}

function keyMissing(kid: string): FlowRefusal {
  return refused('encryption-key-missing', `encryption key ${kid} is not configured`);
}
