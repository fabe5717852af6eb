import { randomBytes } from 'node:crypto';
import type { KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import {
  type ClientRegistration,
  type RegisteredClient,
  registerClient,
} from './authorization-server-clients.ts';
import {
  type AuthorizationServerSettings,
  createConfiguration,
} from './authorization-server-configuration.ts';
import { createDefaultScope, createInteractions } from './authorization-server-interactions.ts';
import { type AuthorizationServerStats, createStats, type Endpoint } from './authorization-server-stats.ts';
import {
  type AuthorizationServerStore,
  createAuthorizationServerStore,
} from './authorization-server-store.ts';
import {
  createTokenEndpoint,
  type TokenEndpointAction,
  type TokenRequest,
  type TokenRequestDescription,
} from './authorization-server-token-endpoint.ts';
import { type LoopbackHttpServer, startLoopbackHttpServer } from './loopback-http-server.ts';
import {
  createRequestInterceptions,
  type Interception,
  type RequestInterceptions,
} from './request-interceptions.ts';

export interface AuthorizationServerOptions {
  /** Default: a free one. */
  port?: number;
  /** All that can be consented to. Default `mcp:tools` and `ledger:export`. */
  scopes?: readonly string[];
  /** What an authorization request without `scope` asks for. Default: the first of `scopes`. */
  defaultScopes?: readonly string[];
  /** Known resource indicators; others get `invalid_target`. Default: any is known. RFC 8707. */
  resources?: readonly string[];
  /** Seconds. Default 3,600. */
  accessTokenTtl?: number;
}

/**
 * A real authorization server (oidc-provider) on 127.0.0.1: authorization code with PKCE, rotating refresh
 * tokens whose reuse revokes the whole grant, opaque access tokens bound to a resource, introspection,
 * revocation and dynamic registration. It logs in whomever `login_hint` names, and remembers in memory only.
 */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  readonly registrationEndpoint: string;
  /** The confidential client (`client_secret_basic`) that resource servers introspect with. */
  readonly introspectionClient: { clientId: string; clientSecret: string };
  registerClient(registration: ClientRegistration): Promise<RegisteredClient>;
  /** From now on the client's requests are answered `invalid_client`. */
  removeClient(clientId: string): Promise<void>;
  readonly stats: AuthorizationServerStats;
  readonly control: AuthorizationServerControl;
  /** Releases everything held and frees the port. */
  stop(): Promise<void>;
}

export interface AuthorizationServerControl {
  /** Whole seconds, at least 1; of access tokens issued from now on. */
  setAccessTokenTtl(seconds: number): void;
  /** False: refresh tokens are neither replaced nor spent. */
  setRefreshTokenRotation(rotate: boolean): void;
  /** True: every authorization request ends in `access_denied`. */
  setDenyConsent(deny: boolean): void;
  /** The account (everybody, without one) withdraws its consent: all its tokens are dead. */
  revokeGrants(accountId?: string): void;
  /** The account's (everybody's, without one) access tokens end now; its refresh tokens stay good. */
  expireAccessTokens(accountId?: string): void;
  /** Interferes with the next token requests that fit. */
  interceptTokenRequests(action: TokenEndpointAction, options?: TokenInterceptionOptions): Interception;
  /** Connections are refused until `goOnline`; nothing is forgotten. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
}

export interface TokenInterceptionOptions {
  /** Default `refresh_token`; `any` takes every token request. */
  grantType?: string;
  /** Default: anybody's. */
  accountId?: string;
  /** Requests to take. Default 1; `Infinity` until released. */
  times?: number;
}

type TokenInterceptions = RequestInterceptions<TokenRequestDescription, TokenEndpointAction>;

/** @throws The error of `listen`, e.g. `EADDRINUSE`. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const server = await startLoopbackHttpServer(options.port);
  const settings = initialSettings(options);
  const store = createAuthorizationServerStore();
  const introspectionClient = createIntrospectionClient();
  const provider = await createProvider(server.origin, options, settings, store, introspectionClient);
  const interceptions: TokenInterceptions = createRequestInterceptions();
  const stats = instrument(provider, store, interceptions);
  server.http.on('request', provider.callback());
  return {
    ...endpointsOf(provider),
    introspectionClient,
    ...clientsOf(provider, store),
    stats,
    control: createControl(settings, store, interceptions, server),
    async stop() {
      interceptions.releaseAll();
      await server.close();
    },
  };
}

function initialSettings({
  accessTokenTtl = 3_600,
}: AuthorizationServerOptions): AuthorizationServerSettings {
  return { accessTokenTtl, rotateRefreshTokens: true, denyConsent: false };
}

function createIntrospectionClient() {
  return { clientId: 'resource-server', clientSecret: randomBytes(24).toString('base64url') };
}

async function createProvider(
  issuer: string,
  {
    scopes = ['mcp:tools', 'ledger:export'],
    defaultScopes = scopes.slice(0, 1),
    resources,
  }: AuthorizationServerOptions,
  settings: AuthorizationServerSettings,
  { adapter }: AuthorizationServerStore,
  introspectionClient: { clientId: string; clientSecret: string },
): Promise<Provider> {
  // Imported when it is started: a devDependency, absent where only the product is installed.
  const { Provider } = await import('oidc-provider/lib/provider.js');
  const { InvalidTarget } = await import('oidc-provider/lib/helpers/errors.js');
  const provider = new Provider(
    issuer,
    await createConfiguration({
      adapter,
      settings,
      scopes,
      introspectionClient,
      unknownTarget: () => new InvalidTarget(),
      ...(resources && { resources }),
    }),
  );
  provider.use(createDefaultScope(provider.pathFor('authorization'), defaultScopes));
  provider.use(createInteractions(provider, settings));
  return provider;
}

function instrument(
  provider: Provider,
  store: AuthorizationServerStore,
  interceptions: TokenInterceptions,
): AuthorizationServerStats {
  const tokenRequests: TokenRequest[] = [];
  const requestsByPath = new Map<string, number>();
  provider.use((ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    requestsByPath.set(ctx.path, (requestsByPath.get(ctx.path) ?? 0) + 1);
    return next();
  });
  const path = provider.pathFor('token');
  provider.use(
    createTokenEndpoint({
      path,
      requests: tokenRequests,
      interceptions,
      accountOf: store.accountOf,
      onVerifier: (value) => void store.issued.push({ kind: 'code-verifier', value }),
    }),
  );
  return createStats(tokenRequests, requestsByPath, store.issued, (endpoint) => provider.pathFor(endpoint));
}

function endpointsOf(provider: Provider) {
  const endpoint = (name: Endpoint) => provider.urlFor(name);
  return {
    issuer: provider.issuer,
    authorizationEndpoint: endpoint('authorization'),
    tokenEndpoint: endpoint('token'),
    introspectionEndpoint: endpoint('introspection'),
    revocationEndpoint: endpoint('revocation'),
    registrationEndpoint: endpoint('registration'),
  };
}

function clientsOf(provider: Provider, store: AuthorizationServerStore) {
  const clients = store.adapter('Client');
  return {
    registerClient: (registration: ClientRegistration) => registerClient(provider, clients, registration),
    async removeClient(clientId: string) {
      await clients.destroy(clientId);
    },
  };
}

function createControl(
  settings: AuthorizationServerSettings,
  { revokeGrants, expireAccessTokens }: AuthorizationServerStore,
  interceptions: TokenInterceptions,
  server: LoopbackHttpServer,
): AuthorizationServerControl {
  return {
    setAccessTokenTtl(seconds) {
      settings.accessTokenTtl = seconds;
    },
    setRefreshTokenRotation(rotate) {
      settings.rotateRefreshTokens = rotate;
    },
    setDenyConsent(deny) {
      settings.denyConsent = deny;
    },
    revokeGrants,
    expireAccessTokens,
    interceptTokenRequests(action, { grantType = 'refresh_token', accountId, times = 1 } = {}) {
      const fits = (request: TokenRequestDescription) =>
        (grantType === 'any' || request.grantType === grantType) &&
        (accountId === undefined || request.accountId === accountId);
      return interceptions.add(fits, action, times);
    },
    goOffline: server.close,
    goOnline: server.open,
  };
}
