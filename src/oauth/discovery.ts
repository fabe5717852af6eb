import * as oauth from 'oauth4webapi';
import { startDeadline } from '../net/deadline.ts';
import {
  type AddressSource,
  type GuardedFetch,
  NetworkError,
  type NetworkErrorCode,
} from '../net/network.ts';
import { preferredAuthMethod, type TokenEndpointAuthMethod } from './client-authentication.ts';

/** What we use of an authorization server's metadata. RFC 8414 §2. */
export interface AuthorizationServerMetadata {
  issuer: string;
  tokenEndpoint: string;
  /** RFC 7009. */
  revocationEndpoint?: string;
  /** The first of `token_endpoint_auth_methods_supported` that is spoken here. */
  authMethod?: TokenEndpointAuthMethod;
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
/** For a whole look-up request: one that trickles in would hold up what waits for it for ever. */
const REQUEST_WITHIN_MS = 15_000;
const REQUEST_LIMITS = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000, maxBodyBytes: 256 * 1024 };

/** Failures that asking again won't cure. */
const PERMANENT: readonly NetworkErrorCode[] = [
  'invalid-url',
  'scheme-refused',
  'userinfo-refused',
  'body-too-large',
];

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

// RFC 8414 §3 first; an OpenID provider may publish only its own form, and not every one says 404.
async function discoverIssuer(
  guardedFetch: GuardedFetch,
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome> {
  const options = fetchOptions(guardedFetch, addressFrom);
  const identifier = new URL(issuer);
  let response = await oauth.discoveryRequest(identifier, { ...options, algorithm: 'oauth2' });
  if (isRefusal(response)) {
    await response.body?.cancel();
    response = await oauth.discoveryRequest(identifier, { ...options, algorithm: 'oidc' });
  }
  if (isOutage(response)) return outage(response);
  const metadata = await oauth.processDiscoveryResponse(identifier, response);
  const tokenEndpoint = urlOf(metadata.token_endpoint);
  return tokenEndpoint === undefined
    ? { kind: 'misconfigured', message: 'the authorization server metadata names no token endpoint' }
    : { kind: 'found', metadata: usedPart(metadata, tokenEndpoint, addressFrom) };
}

async function discoverOfResource(
  guardedFetch: GuardedFetch,
  url: string,
  ofIssuer: (issuer: string, addressFrom: AddressSource) => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const resource = new URL(url);
  const response = await oauth.resourceDiscoveryRequest(resource, fetchOptions(guardedFetch, 'admin'));
  if (isOutage(response)) return outage(response);
  const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
  const issuer = metadata.authorization_servers?.[0];
  // The MCP server's word for it, not an admin's: its address must be public.
  return issuer === undefined
    ? { kind: 'misconfigured', message: 'the MCP server names no authorization server' }
    : ofIssuer(issuer, 'user');
}

function isOutage({ status }: Response): boolean {
  return status >= 500 || status === 429;
}

function isRefusal({ status }: Response): boolean {
  return status >= 400 && status < 500 && status !== 429;
}

async function outage(response: Response): Promise<DiscoveryOutcome> {
  await response.body?.cancel();
  return { kind: 'unavailable', cause: `metadata-http-${response.status}` };
}

function usedPart(
  metadata: oauth.AuthorizationServer,
  tokenEndpoint: string,
  addressFrom: AddressSource,
): AuthorizationServerMetadata {
  const revocationEndpoint = urlOf(metadata.revocation_endpoint);
  const authMethod = preferredAuthMethod(metadata.token_endpoint_auth_methods_supported);
  return {
    issuer: metadata.issuer,
    tokenEndpoint,
    addressFrom,
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
    ...(authMethod !== undefined && { authMethod }),
  };
}

// The library checks the issuer alone.
function urlOf(value: unknown): string | undefined {
  return typeof value === 'string' && URL.canParse(value) ? value : undefined;
}

function fetchOptions(guardedFetch: GuardedFetch, addressFrom: AddressSource) {
  return {
    // The guarded fetch judges schemes: http exists in development only.
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<'GET', undefined>) =>
      guardedFetch(url, {
        method: 'GET',
        headers: init.headers,
        addressFrom,
        signal: startDeadline(REQUEST_WITHIN_MS).signal,
        ...REQUEST_LIMITS,
      }),
  };
}

async function classifyErrors(look: () => Promise<DiscoveryOutcome>): Promise<DiscoveryOutcome> {
  try {
    return await look();
  } catch (error) {
    const failure = networkFailureOf(error);
    if (failure !== undefined && !PERMANENT.includes(failure.code)) {
      return { kind: 'unavailable', cause: `metadata-${failure.code}` };
    }
    if (
      failure !== undefined ||
      error instanceof oauth.OperationProcessingError ||
      error instanceof TypeError
    ) {
      return { kind: 'misconfigured', message: "the authorization server's metadata is not valid" };
    }
    throw error;
  }
}

// The library reports an answer that broke off as one that is not JSON.
function networkFailureOf(error: unknown): NetworkError | undefined {
  if (error instanceof NetworkError) return error;
  const isParseError = error instanceof oauth.OperationProcessingError && error.cause instanceof NetworkError;
  // The cast repeats what the line above has checked.
  return isParseError ? (error.cause as NetworkError) : undefined;
}
