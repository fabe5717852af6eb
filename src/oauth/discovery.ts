/**
 * Finds the authorization server of an MCP server, or of an issuer. Connecting, refreshing, revoking and the check of
 * deposits all enter here, so that they see the same. The requests are in `issuer-metadata.ts` and
 * `resource-metadata.ts`, what an admin registered is added in `registered-endpoints.ts`; nothing here reads the
 * database but through the `MetadataStore`.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#authorization-server-discovery
 * @see https://www.rfc-editor.org/rfc/rfc8414, https://www.rfc-editor.org/rfc/rfc9728
 */
import type { AddressSource, GuardedFetch } from '../net/network.ts';
import { classifyErrors } from './discovery-errors.ts';
import {
  type DiscoveryOutcome,
  discoverIssuer,
  type IssuerDependencies,
  type ProtectedResource,
  PUBLISHES_NO_METADATA,
  type RefusesUrl,
} from './issuer-metadata.ts';
import {
  createMetadataCache,
  type MetadataCache,
  type MetadataStore,
  type Question,
} from './metadata-cache.ts';
import { createRequestMetadata } from './metadata-request.ts';
import { despiteOutage, type McpServerParty, withRegisteredEndpoints } from './registered-endpoints.ts';
import { discoverOfResource } from './resource-metadata.ts';

export interface AuthorizationServerLookup {
  /**
   * Finds the authorization server that an admin registered, or else the one that the MCP server names (RFC 9728), or
   * else the MCP server's own origin (MCP 2025-03-26). Endpoints that an admin registered win.
   */
  ofMcpServer(server: McpServerParty, options?: McpServerLookupOptions): Promise<DiscoveryOutcome>;
  /** Finds an authorization server by its issuer. Its metadata must name the same issuer. */
  ofIssuer(issuer: string, addressFrom: AddressSource): Promise<DiscoveryOutcome>;
}

export interface McpServerLookupOptions {
  /** `resource_metadata` of the MCP server's challenge (RFC 9728 §5.1). It is remembered for later lookups. */
  resourceMetadataUrl?: string;
  /** Asks the servers even if the answer is known, and keeps the new one. */
  skipCache?: boolean;
}

const METADATA_TTL_MS = 3_600_000;
/** A challenge's metadata URL is found by connecting alone, and renewals need it for as long as the grant lives. */
const METADATA_URL_TTL_MS = 90 * 24 * 3_600_000;

interface LookupDependencies {
  guardedFetch: GuardedFetch;
  refusesUrl: RefusesUrl;
  cache: MetadataCache;
  skipCache: boolean;
}

/**
 * Looks up metadata, and caches what was found; failures are not cached. An endpoint that the network policy refuses is
 * reported here, before a refresh records an intent and is tried again without end.
 *
 * @param store what was found is kept there for an hour, and in this process for ten minutes; default: only the latter
 */
export function createAuthorizationServerLookup(
  guardedFetch: GuardedFetch,
  refusesUrl: RefusesUrl = () => false,
  store?: MetadataStore,
): AuthorizationServerLookup {
  const deps = { guardedFetch, refusesUrl, cache: createMetadataCache(store), skipCache: false };
  return {
    ofIssuer: (issuer, addressFrom) => findOfIssuer(deps, issuer, addressFrom),
    ofMcpServer: (server, { resourceMetadataUrl, skipCache = false } = {}) =>
      findOfMcpServer({ ...deps, skipCache }, server, resourceMetadataUrl),
  };
}

function findOfIssuer(
  deps: LookupDependencies,
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome> {
  const question = { parts: ['issuer', addressFrom, issuer], isPrivate: hasQuery(issuer) };
  return cached(deps, question, async (requests) => {
    const outcome = await discoverIssuer(requests, issuer, addressFrom);
    return outcome.kind === 'absent' ? PUBLISHES_NO_METADATA : outcome;
  });
}

async function findOfMcpServer(
  deps: LookupDependencies,
  server: McpServerParty,
  challengedUrl: string | undefined,
): Promise<DiscoveryOutcome> {
  const { authorizationServer } = server.auth;
  if (authorizationServer !== undefined) return findRegistered(deps, server, authorizationServer);
  const { url } = server;
  const atUrl = { parts: ['resource-metadata-url', url], isPrivate: hasQuery(url) };
  const metadataUrl = challengedUrl ?? (await deps.cache.read<string>(atUrl));
  let resource: ProtectedResource | undefined;
  const outcome = await cached(deps, questionAbout(server, metadataUrl), async (requests) => {
    const ofIssuer = (issuer: string) => findOfIssuer(deps, issuer, 'user');
    const found = await discoverOfResource(requests, { url, metadataUrl, ofIssuer });
    if (found.metadataUrl !== undefined)
      await deps.cache.write(atUrl, found.metadataUrl, METADATA_URL_TTL_MS);
    resource = found.resource;
    return withRegisteredEndpoints(found.outcome, server, resource);
  });
  return outcome.kind === 'unavailable' ? despiteOutage(outcome, server, resource) : outcome;
}

async function findRegistered(
  deps: LookupDependencies,
  server: McpServerParty,
  issuer: string,
): Promise<DiscoveryOutcome> {
  const outcome = await cached(deps, questionAbout(server), async () =>
    withRegisteredEndpoints(await findOfIssuer(deps, issuer, 'admin'), server),
  );
  return outcome.kind === 'unavailable' ? despiteOutage(outcome, server) : outcome;
}

async function cached(
  { guardedFetch, refusesUrl, cache, skipCache }: LookupDependencies,
  question: Question,
  discover: (requests: IssuerDependencies) => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const known = skipCache ? undefined : await cache.read<DiscoveryOutcome>(question);
  if (known !== undefined) return known;
  const request = createRequestMetadata(guardedFetch);
  const outcome = await classifyErrors(() => discover({ request, refusesUrl }));
  if (isLasting(outcome)) await cache.write(question, outcome, METADATA_TTL_MS);
  return outcome;
}

// The endpoints of MCP 2025-03-26 are a guess: metadata may be missing only while the server is being deployed.
function isLasting(outcome: DiscoveryOutcome): boolean {
  return outcome.kind === 'found' && outcome.metadata.source !== 'defaults';
}

function questionAbout({ url, auth }: McpServerParty, metadataUrl?: string): Question {
  const { authorizationServer, authorizationEndpoint, tokenEndpoint, revocationEndpoint } = auth;
  const registered = [authorizationServer, authorizationEndpoint, tokenEndpoint, revocationEndpoint];
  const parts = [url, metadataUrl, ...registered];
  return { parts: ['server', ...parts], isPrivate: parts.some((one) => hasQuery(one)) };
}

function hasQuery(url: string | undefined): boolean {
  return url?.includes('?') ?? false;
}
