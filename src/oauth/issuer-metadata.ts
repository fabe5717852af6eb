import * as oauth from 'oauth4webapi';
import { isPlainUrl } from '../contracts/urls.ts';
import type { AddressSource } from '../net/network.ts';
import { preferredAuthMethod, type TokenEndpointAuthMethod } from './client-authentication.ts';
import { atPath, firstNotRefused, isOutage, outage, type RequestMetadata } from './metadata-request.ts';

/** The used part of an authorization server's metadata. @see https://www.rfc-editor.org/rfc/rfc8414#section-2 */
export interface AuthorizationServerMetadata {
  issuer: string;
  tokenEndpoint: string;
  /** RFC 7009. */
  revocationEndpoint?: string;
  /** The first of `token_endpoint_auth_methods_supported` that Latchkey supports. */
  authMethod?: TokenEndpointAuthMethod;
  /** Who vouches for these addresses. */
  addressFrom: AddressSource;
}

export type DiscoveryOutcome =
  | { kind: 'found'; metadata: AuthorizationServerMetadata }
  | { kind: 'unavailable'; cause: string }
  | { kind: 'misconfigured'; message: string };

/** Whether the network policy refuses an address that metadata names, as far as that is known before connecting. */
export type RefusesUrl = (url: string, addressFrom: AddressSource) => boolean;

/** Reads the metadata of an issuer. The metadata must name the same issuer. */
export async function discoverIssuer(
  { request, refusesUrl }: { request: RequestMetadata; refusesUrl: RefusesUrl },
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
  const found = await firstNotRefused(issuerMetadataUrls(identifier), (url) => request(url, addressFrom));
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

/**
 * The URLs at which an issuer may publish its metadata, in the order that MCP prescribes: RFC 8414 §3, the same with
 * OpenID's name, OpenID's own form.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#authorization-server-metadata-discovery
 */
function issuerMetadataUrls(issuer: URL): string[] {
  const path = issuer.pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map((name) =>
    atPath(issuer, `/.well-known/${name}${path}`),
  );
  const appended = atPath(issuer, `${path}/.well-known/openid-configuration`);
  return path === '' ? inserted : [...inserted, appended];
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

// The library checks only the issuer.
function endpointOf(value: unknown): string | undefined {
  return typeof value === 'string' && isHttpUrl(value) ? value : undefined;
}

function isHttpUrl(value: string): boolean {
  return /^https?:/i.test(value) && isPlainUrl(value);
}
