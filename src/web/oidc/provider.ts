import * as client from 'openid-client';
import type { GuardedFetch } from '../../net/network.ts';

/** How Latchkey is registered at the OpenID provider. */
export interface OidcClient {
  issuer: string;
  clientId: string;
  /** Undefined: a public client. */
  clientSecret: string | undefined;
  /** Space-separated; contains `openid`. */
  scopes: string;
  /** The claim that is the user id. */
  userClaim: string;
  /** The claim and the value of it that make a user an admin. Undefined: no web user is an admin. */
  admin: { claim: string; value: string } | undefined;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** Endpoints seldom move. A provider that moved is found again within this time. */
const METADATA_MAX_AGE_MS = 60 * 60_000;

/**
 * Returns a function that discovers the provider at the first sign-in, and again after an hour or a failure. The server
 * starts even if the provider is down. Concurrent callers share one discovery.
 *
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html
 */
export function createProviderLookup(
  guardedFetch: GuardedFetch,
  { issuer, clientId, clientSecret }: OidcClient,
): () => Promise<client.Configuration> {
  let found: { at: number; configuration: Promise<client.Configuration> } | undefined;
  return async () => {
    if (found !== undefined && performance.now() - found.at < METADATA_MAX_AGE_MS) return found.configuration;
    const lookup = { at: performance.now(), configuration: discover() };
    found = lookup;
    lookup.configuration.catch(() => {
      if (found === lookup) found = undefined;
    });
    return lookup.configuration;
  };

  function discover(): Promise<client.Configuration> {
    return client.discovery(new URL(issuer), clientId, {}, authenticate(clientSecret), {
      [client.customFetch]: fetchGuarded(guardedFetch),
      // The guarded fetch decides about schemes: http is allowed in development only.
      execute: [client.allowInsecureRequests],
      timeout: REQUEST_TIMEOUT_MS / 1000,
    });
  }
}

/** OpenID Connect Core §9: `client_secret_basic` where the provider announces nothing else. */
function authenticate(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  return (as, metadata, body, headers) => {
    const methods = as.token_endpoint_auth_methods_supported;
    const isPost = methods !== undefined && !methods.includes('client_secret_basic');
    const method = isPost ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret);
    return method(as, metadata, body, headers);
  };
}

function fetchGuarded(guardedFetch: GuardedFetch): client.CustomFetch {
  return (url, { method, headers, body, signal }) =>
    guardedFetch(url, {
      method,
      headers,
      // The library sends only forms, as text or as parameters.
      body: body instanceof URLSearchParams || typeof body === 'string' ? body : null,
      addressFrom: 'admin',
      headersTimeoutMs: REQUEST_TIMEOUT_MS,
      bodyTimeoutMs: REQUEST_TIMEOUT_MS,
      ...(signal && { signal }),
    });
}
