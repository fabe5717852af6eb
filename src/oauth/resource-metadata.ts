import { isObject } from '../contracts/is-object.ts';
import type { AddressSource } from '../net/network.ts';
import {
  type DiscoveryFailure,
  type IssuerDependencies,
  type ProtectedResource,
  textsOf,
} from './issuer-metadata.ts';
import { atPath, firstNotRefused, isOutage, outage } from './metadata-request.ts';

export type ResourceOutcome =
  /** `at`: where the metadata are. `issuers` may be empty. */
  | { kind: 'named'; resource: ProtectedResource; issuers: string[]; at: string }
  /** The MCP server publishes none. */
  | { kind: 'none' }
  | DiscoveryFailure;

const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';
/** Each may take as long as a look-up may. */
const MAX_AUTHORIZATION_SERVERS = 3;

/**
 * Reads what an MCP server's metadata name.
 *
 * @param metadataUrl where its challenge says that its metadata are
 * @see https://www.rfc-editor.org/rfc/rfc9728
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements
 */
export async function readResourceMetadata(
  deps: IssuerDependencies,
  url: string,
  metadataUrl: string | undefined,
): Promise<ResourceOutcome> {
  const server = new URL(url);
  const { ofPath, ofRoot } = resourceMetadataUrls(server);
  const ofChallenge = acceptableUrl(deps, server, metadataUrl);
  const urls = [...new Set([...(ofChallenge === undefined ? [] : [ofChallenge]), ofPath, ofRoot])];
  const found = await firstNotRefused(urls, (one) => deps.request(one, sourceOf(server, one)));
  if (found === undefined) return { kind: 'none' };
  if (isOutage(found.response)) return outage(found.response);
  const metadata = await readMetadata(found.response);
  const resource = metadata && resourceNamedIn(metadata, server, found.url === ofRoot);
  if (metadata === undefined || resource === undefined) return NOT_VALID;
  const issuers = (textsOf(metadata.authorization_servers) ?? []).slice(0, MAX_AUTHORIZATION_SERVERS);
  return { kind: 'named', resource, issuers, at: found.url };
}

const NOT_VALID: DiscoveryFailure = {
  kind: 'misconfigured',
  message: "the MCP server's resource metadata are not valid, or are about another resource",
};

/**
 * The URLs of a resource's metadata: inserted between host and path, with its query (RFC 9728 §3.1), or for its host.
 */
function resourceMetadataUrls(resource: URL): { ofPath: string; ofRoot: string } {
  const url = new URL(resource);
  url.pathname = url.pathname === '/' ? RESOURCE_METADATA_PATH : `${RESOURCE_METADATA_PATH}${url.pathname}`;
  return { ofPath: url.href, ofRoot: atPath(resource, RESOURCE_METADATA_PATH) };
}

/** Returns the URL that a challenge names. Undefined if it names none, or one that the network policy refuses. */
function acceptableUrl(
  { refusesUrl }: IssuerDependencies,
  server: URL,
  metadataUrl: string | undefined,
): string | undefined {
  if (metadataUrl === undefined || !/^https?:/i.test(metadataUrl)) return undefined;
  return URL.canParse(metadataUrl) && !refusesUrl(metadataUrl, sourceOf(server, metadataUrl))
    ? metadataUrl
    : undefined;
}

// An admin registered the MCP server's origin. To any other address, the MCP server is like a user.
function sourceOf(server: URL, url: string): AddressSource {
  return new URL(url).origin === server.origin ? 'admin' : 'user';
}

/** Undefined: the response is no JSON object. Rejects if it breaks off. */
async function readMetadata(response: Response): Promise<Record<string, unknown> | undefined> {
  const text = await response.text();
  if (response.status !== 200) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the resource that metadata name, if it is the MCP server: with its query or without, because a query may hold
 * keys. For that reason it is returned without. The metadata at the root of an origin may also name the origin, as RFC
 * 9728 §3.3 requires. URLs are compared as RFC 3986 §6.2.3 normalizes them, so that an empty path is `/`.
 */
function resourceNamedIn(
  { resource, scopes_supported: scopes }: Record<string, unknown>,
  server: URL,
  isRoot: boolean,
): ProtectedResource | undefined {
  if (typeof resource !== 'string' || !URL.canParse(resource)) return undefined;
  const accepted = [server.href, atPath(server, server.pathname), ...(isRoot ? [`${server.origin}/`] : [])];
  if (!accepted.includes(new URL(resource).href)) return undefined;
  const scopesSupported = textsOf(scopes);
  const withoutQuery = resource.replace(/[?#].*$/s, '');
  return { resource: withoutQuery, ...(scopesSupported !== undefined && { scopesSupported }) };
}
