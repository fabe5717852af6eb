import * as oauth from 'oauth4webapi';
import type { AddressSource } from '../net/network.ts';
import type { DiscoveryOutcome } from './issuer-metadata.ts';
import { atPath, firstNotRefused, isOutage, outage, type RequestMetadata } from './metadata-request.ts';

const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';

/**
 * Reads the authorization server that an MCP server names in its metadata, and then the metadata of that one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728
 */
export async function discoverOfResource(
  request: RequestMetadata,
  url: string,
  ofIssuer: (issuer: string, addressFrom: AddressSource) => Promise<DiscoveryOutcome>,
): Promise<DiscoveryOutcome> {
  const resource = new URL(url);
  const { ofPath, ofRoot } = resourceMetadataUrls(resource);
  const urls = [...new Set([ofPath, ofRoot])];
  const found = await firstNotRefused(urls, (one) => request(one, 'admin'));
  if (found === undefined) {
    return { kind: 'misconfigured', message: 'the MCP server publishes no resource metadata' };
  }
  const { response } = found;
  if (isOutage(response)) return outage(response);
  const metadata = await (found.url === ofRoot
    ? processRootMetadata(resource, response)
    : oauth.processResourceDiscoveryResponse(resource, response));
  const issuer = metadata.authorization_servers?.[0];
  // The MCP server names it and no admin vouches for it, so its address must be public.
  return issuer === undefined
    ? { kind: 'misconfigured', message: 'the MCP server names no authorization server' }
    : ofIssuer(issuer, 'user');
}

/**
 * The URLs of a resource's metadata: inserted between host and path, with its query (RFC 9728 §3.1), or for its host.
 */
function resourceMetadataUrls(resource: URL): { ofPath: string; ofRoot: string } {
  const url = new URL(resource);
  url.pathname = url.pathname === '/' ? RESOURCE_METADATA_PATH : `${RESOURCE_METADATA_PATH}${url.pathname}`;
  return { ofPath: url.href, ofRoot: atPath(resource, RESOURCE_METADATA_PATH) };
}

/**
 * The metadata at the root of an origin names this origin, as RFC 9728 §3.3 requires, or the MCP server itself, which
 * is what MCP servers publish there.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements
 */
async function processRootMetadata(resource: URL, response: Response): Promise<oauth.ResourceServer> {
  const copy = response.clone();
  try {
    const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
    await copy.body?.cancel();
    return metadata;
  } catch (error) {
    const namesAnother =
      error instanceof oauth.OperationProcessingError && error.code === oauth.JSON_ATTRIBUTE_COMPARISON;
    if (!namesAnother) throw error;
    return oauth.processResourceDiscoveryResponse(new URL(resource.origin), copy);
  }
}
