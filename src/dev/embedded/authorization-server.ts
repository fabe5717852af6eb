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
  REGISTRATION_PATH,
} from './authorization-server-configuration.ts';
import {
  type AuthorizationServerControl,
  createControl,
  type TokenInterceptions,
} from './authorization-server-control.ts';
import {
  createDefaultScope,
  createInteractions,
  createLogoutOnReturn,
} from './authorization-server-interactions.ts';
import { createMetadataOverrides } from './authorization-server-metadata.ts';
import { type AuthorizationServerStats, createStats, type Endpoint } from './authorization-server-stats.ts';
import {
  type AuthorizationServerStore,
  createAuthorizationServerStore,
} from './authorization-server-store.ts';
import { createTokenEndpoint, type TokenRequest } from './authorization-server-token-endpoint.ts';
import { startLoopbackHttpServer } from './loopback-http-server.ts';
import { createRequestInterceptions } from './request-interceptions.ts';

export interface AuthorizationServerOptions {
  /** Default: a free port. */
  port?: number;
  /** All scopes that a user can consent to. Default `mcp:tools` and `ledger:export`. */
  scopes?: readonly string[];
  /** The scopes of an authorization request without `scope`. Default: the first of `scopes`. */
  defaultScopes?: readonly string[];
  /** The known resource indicators. Others get `invalid_target`. Default: all are known. RFC 8707. */
  resources?: readonly string[];
  /** Seconds. Default 3,600. */
  accessTokenTtl?: number;
  /** With false, there is no registration endpoint. Default true. RFC 7591. */
  dynamicRegistration?: boolean;
  /** Members that replace those of both metadata documents. An undefined one is left out of them. RFC 8414. */
  metadata?: Readonly<Record<string, unknown>>;
}

/**
 * A real authorization server (oidc-provider) on 127.0.0.1. It has the authorization code grant with PKCE, rotating
 * refresh tokens whose reuse revokes the whole grant, opaque access tokens bound to a resource, introspection,
 * revocation and dynamic registration. Browsers get a page for login and consent; for other programs, it logs in the
 * account that `login_hint` names. Everything is stored in memory.
 */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  /** With `dynamicRegistration: false` there is nothing at this address. */
  readonly registrationEndpoint: string;
  /** The confidential client (`client_secret_basic`) that resource servers introspect with. */
  readonly introspectionClient: { clientId: string; clientSecret: string };
  registerClient(registration: ClientRegistration): Promise<RegisteredClient>;
  /** From now on, requests of this client get `invalid_client`. */
  removeClient(clientId: string): Promise<void>;
  readonly stats: AuthorizationServerStats;
  readonly control: AuthorizationServerControl;
  /** Releases all held requests and frees the port. */
  stop(): Promise<void>;
}

/** @throws the error of `listen`, such as `EADDRINUSE` */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const server = await startLoopbackHttpServer(options.port);
  const settings = initialSettings(options);
  const store = createAuthorizationServerStore();
  const introspectionClient = createIntrospectionClient();
  const provider = await createProvider({
    ...options,
    issuer: server.origin,
    settings,
    adapter: store.adapter,
    introspectionClient,
  });
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
  return { accessTokenTtl, rotateRefreshTokens: true, denyConsent: false, issueRefreshTokens: true };
}

function createIntrospectionClient() {
  return { clientId: 'resource-server', clientSecret: randomBytes(24).toString('base64url') };
}

async function createProvider({
  issuer,
  settings,
  adapter,
  introspectionClient,
  scopes = ['mcp:tools', 'ledger:export'],
  defaultScopes = scopes.slice(0, 1),
  resources,
  dynamicRegistration = true,
  metadata = {},
}: AuthorizationServerOptions & {
  issuer: string;
  settings: AuthorizationServerSettings;
  adapter: AuthorizationServerStore['adapter'];
  introspectionClient: { clientId: string; clientSecret: string };
}): Promise<Provider> {
  // Imported at start, because it is a devDependency and not installed together with the product.
  const { Provider } = await import('oidc-provider/lib/provider.js');
  const { InvalidTarget } = await import('oidc-provider/lib/helpers/errors.js');
  const provider = new Provider(
    issuer,
    await createConfiguration({
      adapter,
      settings,
      scopes,
      dynamicRegistration,
      introspectionClient,
      unknownTarget: () => new InvalidTarget(),
      ...(resources && { resources }),
    }),
  );
  provider.use(createMetadataOverrides(metadata));
  provider.use(createLogoutOnReturn(provider));
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
  // oidc-provider has no path for an endpoint that is switched off.
  const pathOf = (endpoint: Endpoint) =>
    endpoint === 'registration' ? REGISTRATION_PATH : provider.pathFor(endpoint);
  provider.use(
    createTokenEndpoint({
      path: pathOf('token'),
      requests: tokenRequests,
      interceptions,
      accountOf: store.accountOf,
      onVerifier: (value) => void store.issued.push({ kind: 'code-verifier', value }),
    }),
  );
  return createStats(tokenRequests, requestsByPath, store.issued, pathOf);
}

function endpointsOf(provider: Provider) {
  const endpoint = (name: Endpoint) => provider.urlFor(name);
  return {
    issuer: provider.issuer,
    authorizationEndpoint: endpoint('authorization'),
    tokenEndpoint: endpoint('token'),
    introspectionEndpoint: endpoint('introspection'),
    revocationEndpoint: endpoint('revocation'),
    registrationEndpoint: `${provider.issuer}${REGISTRATION_PATH}`,
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
