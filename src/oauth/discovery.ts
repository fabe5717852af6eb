/**
 * Finds the authorization server of an MCP server, or of an issuer, by its metadata. Code outside this folder enters
 * here. The requests are in `issuer-metadata.ts` and `resource-metadata.ts`; nothing here reads the database.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8414, https://www.rfc-editor.org/rfc/rfc9728
 */
import * as oauth from 'oauth4webapi';
import {
  type AddressSource,
  type GuardedFetch,
  NetworkError,
  type NetworkErrorCode,
} from '../net/network.ts';
import { type DiscoveryOutcome, discoverIssuer, type RefusesUrl } from './issuer-metadata.ts';
import { createRequestMetadata, type RequestMetadata } from './metadata-request.ts';
import { discoverOfResource } from './resource-metadata.ts';

export interface AuthorizationServerLookup {
  /** Finds the authorization server that an admin registered, or else the one that the MCP server names (RFC 9728). */
  ofMcpServer(server: McpServerParty): Promise<DiscoveryOutcome>;
  /** Finds an authorization server by its issuer. Its metadata must name the same issuer. */
  ofIssuer(issuer: string, addressFrom: AddressSource): Promise<DiscoveryOutcome>;
}

export interface McpServerParty {
  url: string;
  auth: { type: string; authorizationServer?: string };
}

const CACHE_TTL_MS = 10 * 60_000;
const CACHE_MAX_ENTRIES = 1_000;

/**
 * Looks up metadata, and caches what was found for ten minutes; failures are not cached. An endpoint that the network
 * policy refuses is reported here, before a refresh records an intent and is tried again without end.
 */
export function createAuthorizationServerLookup(
  guardedFetch: GuardedFetch,
  refusesUrl: RefusesUrl = () => false,
): AuthorizationServerLookup {
  const cache = new Map<string, { until: number; outcome: DiscoveryOutcome }>();

  async function cached(
    id: string,
    discover: (request: RequestMetadata) => Promise<DiscoveryOutcome>,
  ): Promise<DiscoveryOutcome> {
    const entry = cache.get(id);
    if (entry !== undefined && entry.until > Date.now()) return entry.outcome;
    const outcome = await classifyErrors(() => discover(createRequestMetadata(guardedFetch)));
    if (cache.size >= CACHE_MAX_ENTRIES) cache.clear();
    if (outcome.kind === 'found') cache.set(id, { until: Date.now() + CACHE_TTL_MS, outcome });
    return outcome;
  }

  const ofIssuer = (issuer: string, addressFrom: AddressSource) =>
    cached(`issuer ${addressFrom} ${issuer}`, (request) =>
      discoverIssuer({ request, refusesUrl }, issuer, addressFrom),
    );

  return {
    ofIssuer,
    async ofMcpServer({ url, auth }) {
      if (auth.authorizationServer !== undefined) return ofIssuer(auth.authorizationServer, 'admin');
      return cached(`resource ${url}`, (request) => discoverOfResource(request, url, ofIssuer));
    },
  };
}

/** Failures that another request would repeat. */
const PERMANENT: readonly NetworkErrorCode[] = [
  'invalid-url',
  'scheme-refused',
  'userinfo-refused',
  'body-too-large',
];

async function classifyErrors(discover: () => Promise<DiscoveryOutcome>): Promise<DiscoveryOutcome> {
  try {
    return await discover();
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

// The library reports a response that broke off as one that is not JSON.
function networkFailureOf(error: unknown): NetworkError | undefined {
  if (error instanceof NetworkError) return error;
  const isParseError = error instanceof oauth.OperationProcessingError && error.cause instanceof NetworkError;
  // The cast repeats what the line above has checked.
  return isParseError ? (error.cause as NetworkError) : undefined;
}
