import * as oauth from 'oauth4webapi';
import { startDeadline } from '../async/deadline.ts';
import { isPlainUrl } from '../contracts/urls.ts';
import {
  type AddressSource,
  type GuardedFetch,
  NetworkError,
  type NetworkErrorCode,
} from '../net/network.ts';
import { preferredAuthMethod, type TokenEndpointAuthMethod } from './client-authentication.ts';
import { issuerMetadataUrls, resourceMetadataUrls } from './metadata-urls.ts';

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
/** For all requests of one look-up: an answer that trickles in would hold up the caller. */
const LOOK_UP_WITHIN_MS = 15_000;
const REQUEST_LIMITS = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000, maxBodyBytes: 256 * 1024 };

/** Failures that asking again won't cure. */
const PERMANENT: readonly NetworkErrorCode[] = [
  'invalid-url',
  'scheme-refused',
  'userinfo-refused',
  'body-too-large',
];

/** Whether the network policy refuses an address that metadata name, as far as that is known before connecting. */
export type RefusesUrl = (url: string, addressFrom: AddressSource) => boolean;

/**
 * Looks up metadata and keeps it for ten minutes; failures are not kept. Endpoints that could never be asked are judged
 * here: later, a refresh would be recorded as begun, and tried again without end.
 */
export function createAuthorizationServerLookup(
  guardedFetch: GuardedFetch,
  refusesUrl: RefusesUrl = () => false,
): AuthorizationServerLookup {
  const kept = new Map<string, { until: number; outcome: DiscoveryOutcome }>();

  async function keeping(
    id: string,
    look: (ask: Ask) => Promise<DiscoveryOutcome>,
  ): Promise<DiscoveryOutcome> {
    const known = kept.get(id);
    if (known !== undefined && known.until > Date.now()) return known.outcome;
    const outcome = await classifyErrors(() => look(createAsk(guardedFetch)));
    if (kept.size >= KEPT_AT_MOST) kept.clear();
    if (outcome.kind === 'found') kept.set(id, { until: Date.now() + KEEP_MS, outcome });
    return outcome;
  }

  const ofIssuer = (issuer: string, addressFrom: AddressSource) =>
    keeping(`issuer ${addressFrom} ${issuer}`, (ask) =>
      discoverIssuer({ ask, refusesUrl }, issuer, addressFrom),
    );

  return {
    ofIssuer,
    async ofMcpServer({ url, auth }) {
      if (auth.authorizationServer !== undefined) return ofIssuer(auth.authorizationServer, 'admin');
      return keeping(`resource ${url}`, (ask) => discoverOfResource(ask, url, ofIssuer));
    },
  };
}

type Ask = (url: string, addressFrom: AddressSource) => Promise<Response>;

/** Requests of one look-up: the time limit is for all of them together. */
function createAsk(guardedFetch: GuardedFetch): Ask {
  const { signal } = startDeadline(LOOK_UP_WITHIN_MS);
  const headers = { accept: 'application/json' };
  return (url, addressFrom) =>
    guardedFetch(url, { method: 'GET', headers, addressFrom, signal, ...REQUEST_LIMITS });
}

async function discoverIssuer(
  { ask, refusesUrl }: { ask: Ask; refusesUrl: RefusesUrl },
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome> {
  if (!isHttpUrl(issuer)) {
    return {
      kind: 'misconfigured',
      message: 'the name of the authorization server is not a plain http(s) URL',
    };
  }
  const identifier = new URL(issuer);
  const found = await firstNotRefused(issuerMetadataUrls(identifier), (url) => ask(url, addressFrom));
  if (found === undefined) {
    return { kind: 'misconfigured', message: 'the authorization server publishes no metadata' };
  }
  const { response } = found;
  if (isOutage(response)) return outage(response);
  const metadata = await oauth.processDiscoveryResponse(identifier, response);
  const tokenEndpoint = endpointOf(metadata.token_endpoint);
  if (tokenEndpoint === undefined || refusesUrl(tokenEndpoint, addressFrom)) {
    const names =
      tokenEndpoint === undefined ? 'no token endpoint' : 'a token endpoint that is not allowed here';
    return { kind: 'misconfigured', message: `the authorization server metadata names ${names}` };
  }
  return { kind: 'found', metadata: usedPart(metadata, tokenEndpoint, addressFrom) };
}

// Not every server says 404 where it has nothing: some want a token, some know no GET.
async function firstNotRefused(
  urls: readonly string[],
  ask: (url: string) => Promise<Response>,
): Promise<{ url: string; response: Response } | undefined> {
  for (const url of urls) {
    const response = await ask(url);
    if (!isRefusal(response)) return { url, response };
    await response.body?.cancel();
  }
  return undefined;
}

async function discoverOfResource(
  ask: Ask,
  url: string,
  ofIssuer: (issuer: string, addressFrom: AddressSource) => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const resource = new URL(url);
  const { ofPath, ofRoot } = resourceMetadataUrls(resource);
  const urls = [...new Set([ofPath, ofRoot])];
  const found = await firstNotRefused(urls, (one) => ask(one, 'admin'));
  if (found === undefined) {
    return { kind: 'misconfigured', message: 'the MCP server publishes no resource metadata' };
  }
  const { response } = found;
  if (isOutage(response)) return outage(response);
  const metadata = await (found.url === ofRoot
    ? processRootMetadata(resource, response)
    : oauth.processResourceDiscoveryResponse(resource, response));
  const issuer = metadata.authorization_servers?.[0];
  // The MCP server's word for it, not an admin's: its address must be public.
  return issuer === undefined
    ? { kind: 'misconfigured', message: 'the MCP server names no authorization server' }
    : ofIssuer(issuer, 'user');
}

/**
 * The document of a whole origin names that origin (RFC 9728 §3.3: what its address was made from), or the MCP
 * server itself, which is what MCP servers publish there.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements
 */
async function processRootMetadata(resource: URL, response: Response): Promise<oauth.ResourceServer> {
  const again = response.clone();
  try {
    const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
    await again.body?.cancel();
    return metadata;
  } catch (error) {
    const isOther =
      error instanceof oauth.OperationProcessingError && error.code === oauth.JSON_ATTRIBUTE_COMPARISON;
    if (!isOther) throw error;
    return oauth.processResourceDiscoveryResponse(new URL(resource.origin), again);
  }
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
  const revocationEndpoint = endpointOf(metadata.revocation_endpoint);
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
function endpointOf(value: unknown): string | undefined {
  return typeof value === 'string' && isHttpUrl(value) ? value : undefined;
}

function isHttpUrl(value: string): boolean {
  return /^https?:/i.test(value) && isPlainUrl(value);
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
