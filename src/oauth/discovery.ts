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
import { cached, hasQuery, type LookupDependencies, type ProbeMcpServer } from './cached-lookup.ts';
import { findResource } from './find-resource.ts';
import {
  type DiscoveryOutcome,
  discoverIssuer,
  PUBLISHES_NO_METADATA,
  type RefusesUrl,
} from './issuer-metadata.ts';
import { createMetadataCache, type MetadataStore } from './metadata-cache.ts';
import { discoverOfOrigin } from './origin-metadata.ts';
import { despiteOutage, type McpServerParty, withRegisteredEndpoints } from './registered-endpoints.ts';
import type { ResourceOutcome } from './resource-metadata.ts';

export interface AuthorizationServerLookup {
  /**
   * Finds the authorization server that an admin registered, or else the one that the MCP server names (RFC 9728), or
   * else the MCP server's own origin (MCP 2025-03-26). Endpoints that an admin registered win.
   */
  ofMcpServer(server: McpServerParty, options?: McpServerLookupOptions): Promise<DiscoveryOutcome>;
  /** Reads the scopes that the MCP server's metadata name, whatever its authorization server. Undefined: none. */
  scopesOfMcpServer(
    server: McpServerParty,
    options?: Omit<McpServerLookupOptions, 'grant'>,
  ): Promise<string[] | undefined>;
  /** Finds an authorization server by its issuer. Its metadata must name the same issuer. */
  ofIssuer(issuer: string, addressFrom: AddressSource): Promise<DiscoveryOutcome>;
}

export interface McpServerLookupOptions {
  /**
   * `resource_metadata` of the MCP server's challenge (RFC 9728 §5.1); null: the challenge names none. It replaces what
   * an earlier challenge said, and later lookups use it. Absent: no challenge was seen.
   */
  resourceMetadataUrl?: string | null;
  /** Asks the servers even if the answer is known, and keeps the new one. */
  skipCache?: boolean;
  /**
   * Looks for the authorization server that issued this grant, whose tokens and client must not go to another one.
   * Metadata that are absent count as an outage, because the grant shows that there is such a server.
   */
  grant?: IssuedGrant | undefined;
}

export interface IssuedGrant {
  /** Absent: unknown. */
  issuer?: string;
  tokenEndpoint: string;
}

/**
 * Looks up metadata, and caches what was found; failures are not cached. An endpoint that the network policy refuses is
 * reported here, before a refresh records an intent and is tried again without end.
 *
 * @param store what was found is kept there for an hour, and in this process for ten minutes; default: only the latter
 * @param probe asks an MCP server for its challenge where a grant does not fit what was found; default: it is not asked
 */
export function createAuthorizationServerLookup(
  guardedFetch: GuardedFetch,
  refusesUrl: RefusesUrl = () => false,
  store?: MetadataStore,
  probe?: ProbeMcpServer,
): AuthorizationServerLookup {
  const deps = { guardedFetch, refusesUrl, probe, cache: createMetadataCache(store), skipCache: false };
  return {
    ofIssuer: (issuer, addressFrom) => findOfIssuer(deps, issuer, addressFrom),
    async ofMcpServer(server, { skipCache = false, ...options } = {}) {
      const outcome = await findOfMcpServer({ ...deps, skipCache }, server, options);
      return options.grant === undefined ? outcome : despiteOutage(despiteAbsence(outcome), server);
    },
    async scopesOfMcpServer(server, { skipCache = false, resourceMetadataUrl } = {}) {
      const found = await findResource({ ...deps, skipCache }, server, {
        challengedUrl: resourceMetadataUrl,
        isKnownWithout: async () => true,
        fits: async () => true,
      });
      return found.kind === 'named' ? found.resource.scopesSupported : undefined;
    },
  };
}

function despiteAbsence(outcome: DiscoveryOutcome): DiscoveryOutcome {
  const isAbsent = outcome.kind === 'misconfigured' && outcome.isAbsent === true;
  return isAbsent ? { kind: 'unavailable', cause: 'metadata-absent' } : outcome;
}

function findOfIssuer(
  deps: LookupDependencies,
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome> {
  return cached<DiscoveryOutcome>(deps, {
    question: { parts: ['issuer', addressFrom, issuer], isPrivate: hasQuery(issuer) },
    async discover(requests) {
      const outcome = await discoverIssuer(requests, issuer, addressFrom);
      return outcome.kind === 'absent' ? PUBLISHES_NO_METADATA : outcome;
    },
    isLasting,
  });
}

async function findOfMcpServer(
  deps: LookupDependencies,
  server: McpServerParty,
  { resourceMetadataUrl: challengedUrl, grant }: Omit<McpServerLookupOptions, 'skipCache'>,
): Promise<DiscoveryOutcome> {
  const { authorizationServer } = server.auth;
  if (authorizationServer !== undefined) {
    return adjusted(deps, server, [authorizationServer], () =>
      findOfIssuer(deps, authorizationServer, 'admin'),
    );
  }
  let known: Promise<DiscoveryOutcome> | undefined;
  const ofOrigin = () => (known ??= findOfOrigin(deps, server));
  const resource = await findResource(deps, server, {
    challengedUrl,
    isKnownWithout: async () => isLasting(await ofOrigin()),
    fits: async (found) => grant === undefined || fits(found, { server, grant, ofOrigin }),
  });
  if (resource.kind === 'none') return ofOrigin();
  if (resource.kind !== 'named') return withRegisteredEndpoints(resource, server);
  if (resource.issuers.length === 0) return withRegisteredEndpoints(NAMES_NONE, server);
  const outcome = await findOfIssuers(deps, server, { issuers: resource.issuers, grant });
  return outcome.kind === 'found' ? { ...outcome, resource: resource.resource } : outcome;
}

const NAMES_NONE: DiscoveryOutcome = {
  kind: 'misconfigured',
  message: 'the MCP server names no authorization server',
};

/** Whether the authorization server of a grant can be the one that was found. */
async function fits(
  found: ResourceOutcome,
  {
    server,
    grant,
    ofOrigin,
  }: { server: McpServerParty; grant: IssuedGrant; ofOrigin: () => Promise<DiscoveryOutcome> },
): Promise<boolean> {
  if (server.auth.tokenEndpoint !== undefined) return true;
  if (found.kind === 'named')
    return grant.issuer === undefined || issuerOf(found.issuers, grant) !== undefined;
  if (found.kind !== 'none') return false;
  const outcome = await ofOrigin();
  return outcome.kind === 'unavailable' || isOf(outcome, grant);
}

function findOfOrigin(deps: LookupDependencies, server: McpServerParty): Promise<DiscoveryOutcome> {
  const { origin } = new URL(server.url);
  return adjusted(deps, server, ['origin', origin], () =>
    cached<DiscoveryOutcome>(deps, {
      question: { parts: ['origin', origin], isPrivate: false },
      discover: (requests) => discoverOfOrigin(requests, origin),
      isLasting,
    }),
  );
}

/** The authorization servers that an MCP server names: the grant's own, or else the first that can be used. */
function findOfIssuers(
  deps: LookupDependencies,
  server: McpServerParty,
  { issuers, grant }: { issuers: string[]; grant: IssuedGrant | undefined },
): Promise<DiscoveryOutcome> {
  const own = grant && issuerOf(issuers, grant);
  // The registered token endpoint is the only one that gets this grant, whatever the next one's metadata say.
  const isFirstOnly = grant !== undefined && server.auth.tokenEndpoint !== undefined;
  const candidates = own === undefined ? issuers.slice(0, isFirstOnly ? 1 : issuers.length) : [own];
  return adjusted(deps, server, candidates, () => firstUsable(deps, candidates, grant));
}

/**
 * Goes on to the next one only for connecting, and only if the first publishes no usable metadata: a server that is down
 * may come back. A grant is of no use at another server, which would also learn its tokens and the operator's secret.
 */
async function firstUsable(
  deps: LookupDependencies,
  [issuer = '', ...others]: readonly string[],
  grant: IssuedGrant | undefined,
): Promise<DiscoveryOutcome> {
  const first = await findOfIssuer(deps, issuer, 'user');
  if (first.kind !== 'misconfigured') return first;
  for (const other of others) {
    const outcome = await findOfIssuer(deps, other, 'user');
    if (grant === undefined ? outcome.kind !== 'misconfigured' : isOf(outcome, grant)) return outcome;
  }
  return first;
}

function issuerOf(issuers: readonly string[], { issuer }: IssuedGrant): string | undefined {
  const withoutSlash = (text: string) => text.replace(/\/$/, '');
  return issuers.find((one) => issuer !== undefined && withoutSlash(one) === withoutSlash(issuer));
}

function isOf(outcome: DiscoveryOutcome, { tokenEndpoint }: IssuedGrant): boolean {
  return (
    outcome.kind === 'found' && new URL(outcome.metadata.tokenEndpoint).href === new URL(tokenEndpoint).href
  );
}

// Keeps only what metadata did not say: their own answers are kept for each issuer.
function adjusted(
  deps: LookupDependencies,
  server: McpServerParty,
  of: readonly string[],
  find: () => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const { authorizationServer, authorizationEndpoint, tokenEndpoint, revocationEndpoint } = server.auth;
  const parts = [authorizationServer, authorizationEndpoint, tokenEndpoint, revocationEndpoint, ...of];
  return cached<DiscoveryOutcome>(deps, {
    question: { parts: ['registered', ...parts], isPrivate: parts.some((one) => hasQuery(one)) },
    discover: async () => withRegisteredEndpoints(await find(), server),
    isLasting: (outcome) => outcome.kind === 'found' && outcome.metadata.source === 'registration',
  });
}

// The endpoints of MCP 2025-03-26 are a guess: metadata may be missing only while the server is being deployed.
function isLasting(outcome: DiscoveryOutcome): boolean {
  return outcome.kind === 'found' && outcome.metadata.source !== 'defaults';
}
