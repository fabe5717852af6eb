import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import type { AdapterFactory, Configuration, JWK } from 'oidc-provider';

/** The settings that can change while the authorization server runs. */
export interface AuthorizationServerSettings {
  /** Whole seconds, at least 1. */
  accessTokenTtl: number;
  /** With false, a refresh neither replaces nor spends the refresh token. */
  rotateRefreshTokens: boolean;
  /** With true, consent is refused (`access_denied`). */
  denyConsent: boolean;
  /** With false, tokens are issued without a refresh token. */
  issueRefreshTokens: boolean;
}

export interface ConfigurationDeps {
  adapter: AdapterFactory;
  settings: Readonly<AuthorizationServerSettings>;
  scopes: readonly string[];
  /** The known resource indicators. Default: all are known. RFC 8707. */
  resources?: readonly string[];
  /** Whether clients may register themselves. RFC 7591. */
  dynamicRegistration: boolean;
  introspectionClient: { clientId: string; clientSecret: string };
  unknownTarget: () => Error;
}

export const REGISTRATION_PATH = '/reg';

const DAY_IN_SECONDS = 86_400;

/** Sets every option for which oidc-provider would print a warning about its default. */
export async function createConfiguration(deps: ConfigurationDeps): Promise<Configuration> {
  const { adapter, settings, scopes } = deps;
  return {
    adapter,
    jwks: { keys: [await createSigningKey()] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [introspectionClientMetadata(deps)],
    clientBasedCORS: () => false,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: createFeatures(deps),
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => claimsOf(accountId) }),
    claims: { openid: ['sub', 'preferred_username'], email: ['email'] },
    // Access tokens are for the resource, so they are refused at the userinfo endpoint: the id_token has all claims.
    conformIdTokenClaims: false,
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    responseTypes: ['code'],
    routes: { registration: REGISTRATION_PATH },
    scopes: ['openid', 'email', 'offline_access', ...scopes],
    ...tokenLifetimes(settings),
    renderError(ctx, { error, error_description }) {
      ctx.type = 'text/plain';
      ctx.body = `${error}: ${error_description ?? ''}`;
    },
  };
}

function claimsOf(accountId: string) {
  return { sub: accountId, preferred_username: accountId, email: accountId };
}

async function createSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256' };
}

function introspectionClientMetadata({ introspectionClient }: ConfigurationDeps) {
  return {
    client_id: introspectionClient.clientId,
    client_secret: introspectionClient.clientSecret,
    redirect_uris: [],
    response_types: [],
    grant_types: [],
  };
}

function tokenLifetimes(settings: Readonly<AuthorizationServerSettings>) {
  return {
    // As with most MCP providers, tokens outlive the browser session, even without `offline_access`.
    expiresWithSession: () => false,
    issueRefreshToken: () => settings.issueRefreshTokens,
    rotateRefreshToken: () => settings.rotateRefreshTokens,
    ttl: {
      AccessToken: () => settings.accessTokenTtl,
      AuthorizationCode: 60,
      Grant: 365 * DAY_IN_SECONDS,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 30 * DAY_IN_SECONDS,
      Session: DAY_IN_SECONDS,
    },
  };
}

function createFeatures(deps: ConfigurationDeps): NonNullable<Configuration['features']> {
  const isIntrospectionClient = (clientId: string) => clientId === deps.introspectionClient.clientId;
  return {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: true },
    registration: { enabled: deps.dynamicRegistration },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => isIntrospectionClient(client.clientId) },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => client.clientId === token.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, _client, oneOf) => oneOf ?? [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => resourceServer(deps, resource),
    },
  };
}

function resourceServer({ resources, scopes, unknownTarget }: ConfigurationDeps, resource: string) {
  if (resources !== undefined && !resources.includes(resource)) throw unknownTarget();
  return { scope: scopes.join(' '), audience: resource, accessTokenFormat: 'opaque' as const };
}
