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
  PUBLISHES_NO_METADATA,
  type RefusesUrl,
} from './issuer-metadata.ts';
import { createMetadataCache, type MetadataStore, type Question } from './metadata-cache.ts';
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
  const cache = createMetadataCache(store);

  async function cached(
    question: Question,
    discover: (deps: IssuerDependencies) => Promise<DiscoveryOutcome>,
    skipCache = false,
  ): Promise<DiscoveryOutcome> {
    const known = skipCache ? undefined : await cache.read<DiscoveryOutcome>(question);
    if (known !== undefined) return known;
    const request = createRequestMetadata(guardedFetch);
    const outcome = await classifyErrors(() => discover({ request, refusesUrl }));
    if (isLasting(outcome)) await cache.write(question, outcome, METADATA_TTL_MS);
    return outcome;
  }

  async function ofIssuer(
    issuer: string,
    addressFrom: AddressSource,
    skipCache = false,
  ): Promise<DiscoveryOutcome> {
    const question = { parts: ['issuer', addressFrom, issuer], isPrivate: hasQuery(issuer) };
    return cached(
      question,
      async (deps) => {
        const outcome = await discoverIssuer(deps, issuer, addressFrom);
        return outcome.kind === 'absent' ? PUBLISHES_NO_METADATA : outcome;
      },
      skipCache,
    );
  }

  async function ofMcpServer(
    server: McpServerParty,
    { resourceMetadataUrl, skipCache = false }: McpServerLookupOptions = {},
  ): Promise<DiscoveryOutcome> {
    const atUrl = { parts: ['resource-metadata-url', server.url], isPrivate: hasQuery(server.url) };
    const { authorizationServer } = server.auth;
    const metadataUrl =
      authorizationServer === undefined
        ? (resourceMetadataUrl ?? (await cache.read<string>(atUrl)))
        : undefined;
    const discover = async (deps: IssuerDependencies) => {
      if (authorizationServer !== undefined) {
        const outcome = await ofIssuer(authorizationServer, 'admin', skipCache);
        return withRegisteredEndpoints(outcome, server);
      }
      const ofThisIssuer = (issuer: string) => ofIssuer(issuer, 'user', skipCache);
      const found = await discoverOfResource(deps, { url: server.url, metadataUrl, ofIssuer: ofThisIssuer });
      if (found.metadataUrl !== undefined) await cache.write(atUrl, found.metadataUrl, METADATA_URL_TTL_MS);
      return withRegisteredEndpoints(found.outcome, server, found.resource);
    };
    const outcome = await cached(questionAbout(server, metadataUrl), discover, skipCache);
    return outcome.kind === 'unavailable' ? despiteOutage(outcome, server) : outcome;
  }

  return { ofMcpServer, ofIssuer: (issuer, addressFrom) => ofIssuer(issuer, addressFrom) };
}

// The endpoints of MCP 2025-03-26 are a guess: metadata may be missing only while the server is being deployed.
function isLasting(outcome: DiscoveryOutcome): boolean {
  return outcome.kind === 'found' && outcome.metadata.source !== 'defaults';
}

function questionAbout({ url, auth }: McpServerParty, metadataUrl: string | undefined): Question {
  const { authorizationServer, authorizationEndpoint, tokenEndpoint, revocationEndpoint } = auth;
  const parts = [url, metadataUrl, authorizationServer, authorizationEndpoint, tokenEndpoint];
  const all = [...parts, revocationEndpoint];
  return { parts: ['server', ...all], isPrivate: all.some((one) => hasQuery(one)) };
}

function hasQuery(url: string | undefined): boolean {
  return url?.includes('?') ?? false;
}
