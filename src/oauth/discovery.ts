import * as oauth from 'oauth4webapi';
import { type AddressSource, type GuardedFetch, NetworkError } from '../net/network.ts';

/** What we use of an authorization server's metadata. RFC 8414 §2. */
export interface AuthorizationServerMetadata {
  issuer: string;
  tokenEndpoint: string;
  /** RFC 7009. */
  revocationEndpoint?: string;
  /** Whose word these addresses are. */
  addressFrom: AddressSource;
}

export type DiscoveryOutcome =
  | { kind: 'found'; metadata: AuthorizationServerMetadata }
  | { kind: 'unavailable'; cause: string }
  | { kind: 'misconfigured'; message: string };

export interface AuthorizationServerLookup {
  /** The authorization server that an admin named, or the one that the MCP server names (RFC 9728). */
  ofMcpServer(server: McpServerParty): Promise<DiscoveryOutcome>;
  /** By issuer; the metadata must name the same one. */
  ofIssuer(issuer: string, addressFrom: AddressSource): Promise<DiscoveryOutcome>;
}

export interface McpServerParty {
  url: string;
  auth: { type: string; authorizationServer?: string };
}

const KEEP_MS = 10 * 60_000;
const KEPT_AT_MOST = 1_000;
const REQUEST_LIMITS = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000, maxBodyBytes: 256 * 1024 };

/** Looks up metadata and keeps it for ten minutes; failures are not kept. */
export function createAuthorizationServerLookup(guardedFetch: GuardedFetch): AuthorizationServerLookup {
  const kept = new Map<string, { until: number; outcome: DiscoveryOutcome }>();

  async function keeping(id: string, look: () => Promise<DiscoveryOutcome>): Promise<DiscoveryOutcome> {
    const known = kept.get(id);
    if (known !== undefined && known.until > Date.now()) return known.outcome;
    const outcome = await classifyErrors(look);
    if (kept.size >= KEPT_AT_MOST) kept.clear();
    if (outcome.kind === 'found') kept.set(id, { until: Date.now() + KEEP_MS, outcome });
    return outcome;
  }

  const ofIssuer = (issuer: string, addressFrom: AddressSource) =>
    keeping(`issuer ${addressFrom} ${issuer}`, () => discoverIssuer(guardedFetch, issuer, addressFrom));

  return {
    ofIssuer,
    async ofMcpServer({ url, auth }) {
      if (auth.authorizationServer !== undefined) return ofIssuer(auth.authorizationServer, 'admin');
      return keeping(`resource ${url}`, () => discoverOfResource(guardedFetch, url, ofIssuer));
    },
  };
}

// RFC 8414 §3 first; an OpenID provider may publish only its own form.
async function discoverIssuer(
  guardedFetch: GuardedFetch,
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome> {
  const options = fetchOptions(guardedFetch, addressFrom);
  const identifier = new URL(issuer);
  let response = await oauth.discoveryRequest(identifier, { ...options, algorithm: 'oauth2' });
  if (response.status === 404) {
    await response.body?.cancel();
    response = await oauth.discoveryRequest(identifier, { ...options, algorithm: 'oidc' });
  }
  if (response.status >= 500 || response.status === 429) {
    await response.body?.cancel();
    return { kind: 'unavailable', cause: `metadata-http-${response.status}` };
  }
  const metadata = await oauth.processDiscoveryResponse(identifier, response);
  return metadata.token_endpoint === undefined
    ? { kind: 'misconfigured', message: 'the authorization server metadata names no token endpoint' }
    : { kind: 'found', metadata: usedPart(metadata, metadata.token_endpoint, addressFrom) };
}

async function discoverOfResource(
  guardedFetch: GuardedFetch,
  url: string,
  ofIssuer: (issuer: string, addressFrom: AddressSource) => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const resource = new URL(url);
  const response = await oauth.resourceDiscoveryRequest(resource, fetchOptions(guardedFetch, 'admin'));
  const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
  const issuer = metadata.authorization_servers?.[0];
  // The MCP server's word for it, not an admin's: its address must be public.
  return issuer === undefined
    ? { kind: 'misconfigured', message: 'the MCP server names no authorization server' }
    : ofIssuer(issuer, 'user');
}

function usedPart(
  metadata: oauth.AuthorizationServer,
  tokenEndpoint: string,
  addressFrom: AddressSource,
): AuthorizationServerMetadata {
  const revocationEndpoint = metadata.revocation_endpoint;
  return {
    issuer: metadata.issuer,
    tokenEndpoint,
    addressFrom,
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
  };
}

function fetchOptions(guardedFetch: GuardedFetch, addressFrom: AddressSource) {
  return {
    // The guarded fetch judges schemes: http exists in development only.
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<'GET', undefined>) =>
      guardedFetch(url, { method: 'GET', headers: init.headers, addressFrom, ...REQUEST_LIMITS }),
  };
}

async function classifyErrors(look: () => Promise<DiscoveryOutcome>): Promise<DiscoveryOutcome> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof NetworkError) return { kind: 'unavailable', cause: `metadata-${error.code}` };
    if (error instanceof oauth.OperationProcessingError || error instanceof TypeError) {
      return { kind: 'misconfigured', message: "the authorization server's metadata is not valid" };
    }
    throw error;
  }
}
