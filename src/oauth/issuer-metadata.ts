import * as oauth from 'oauth4webapi';
import { present } from '../contracts/present.ts';
import { isPlainUrl } from '../contracts/urls.ts';
import type { AddressSource } from '../net/network.ts';
import { type KeylessAuthMethod, preferredAuthMethod } from './client-authentication.ts';
import { atPath, firstNotRefused, isOutage, outage, type RequestMetadata } from './metadata-request.ts';

/** The used part of an authorization server's metadata. @see https://www.rfc-editor.org/rfc/rfc8414#section-2 */
export interface AuthorizationServerMetadata {
  issuer: string;
  tokenEndpoint: string;
  authorizationEndpoint?: string;
  /** RFC 7591. */
  registrationEndpoint?: string;
  /** RFC 7009. */
  revocationEndpoint?: string;
  /** OpenID Connect Core §5.3. */
  userinfoEndpoint?: string;
  /** `token_endpoint_auth_methods_supported`. */
  authMethods?: string[];
  /** The first of them that needs no more than a secret. */
  authMethod?: KeylessAuthMethod;
  scopesSupported?: string[];
  /** `code_challenge_methods_supported`. Absent: the server does not announce PKCE. */
  codeChallengeMethods?: string[];
  /** Every authorization response has `iss`. RFC 9207 §3. */
  announcesIss: boolean;
  /** https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document */
  supportsClientIdMetadataDocument: boolean;
  /** Who vouches for these addresses. */
  addressFrom: AddressSource;
  /**
   * `registration`: the server publishes no metadata, and an admin registered the endpoints. `defaults`: it publishes
   * none, and the endpoints are those of MCP 2025-03-26.
   */
  source: 'metadata' | 'registration' | 'defaults';
}

/** What an MCP server's own metadata state. @see https://www.rfc-editor.org/rfc/rfc9728#section-2 */
export interface ProtectedResource {
  /** As published, byte for byte. */
  resource: string;
  scopesSupported?: string[];
}

export type DiscoveryOutcome =
  /** `resource`: as the MCP server's metadata name it, where they were read. */
  | { kind: 'found'; metadata: AuthorizationServerMetadata; resource?: ProtectedResource }
  | { kind: 'unavailable'; cause: string }
  | { kind: 'misconfigured'; message: string };

/** Whether the network policy refuses an address that metadata names, as far as that is known before connecting. */
export type RefusesUrl = (url: string, addressFrom: AddressSource) => boolean;

export interface IssuerDependencies {
  request: RequestMetadata;
  refusesUrl: RefusesUrl;
}

export const PUBLISHES_NO_METADATA: DiscoveryOutcome = {
  kind: 'misconfigured',
  message:
    'the authorization server publishes no metadata: register its authorizationEndpoint and tokenEndpoint',
};

/** Reads the metadata of an issuer. The metadata must name the same issuer. `absent`: it publishes none. */
export async function discoverIssuer(
  { request, refusesUrl }: IssuerDependencies,
  issuer: string,
  addressFrom: AddressSource,
): Promise<DiscoveryOutcome | { kind: 'absent' }> {
  if (!isHttpUrl(issuer)) {
    return {
      kind: 'misconfigured',
      message: 'the name of the authorization server is not a plain http(s) URL',
    };
  }
  const identifier = new URL(issuer);
  const found = await firstNotRefused(issuerMetadataUrls(identifier), (url) => request(url, addressFrom));
  if (found === undefined) return { kind: 'absent' };
  const { response } = found;
  if (isOutage(response)) return outage(response);
  const metadata = await oauth.processDiscoveryResponse(identifier, response);
  const tokenEndpoint = endpointOf(metadata.token_endpoint);
  if (tokenEndpoint === undefined || refusesUrl(tokenEndpoint, addressFrom)) {
    const names =
      tokenEndpoint === undefined ? 'no token endpoint' : 'a token endpoint that is not allowed here';
    return { kind: 'misconfigured', message: `the authorization server metadata names ${names}` };
  }
  return { kind: 'found', metadata: usedPart(metadata, { tokenEndpoint, addressFrom, refusesUrl }) };
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
  {
    tokenEndpoint,
    addressFrom,
    refusesUrl,
  }: { tokenEndpoint: string; addressFrom: AddressSource; refusesUrl: RefusesUrl },
): AuthorizationServerMetadata {
  const authorizationEndpoint = endpointOf(metadata.authorization_endpoint);
  const isAllowed = authorizationEndpoint !== undefined && !refusesUrl(authorizationEndpoint, addressFrom);
  return {
    issuer: metadata.issuer,
    tokenEndpoint,
    addressFrom,
    ...present({
      authorizationEndpoint: isAllowed ? authorizationEndpoint : undefined,
      registrationEndpoint: endpointOf(metadata.registration_endpoint),
      revocationEndpoint: endpointOf(metadata.revocation_endpoint),
      userinfoEndpoint: endpointOf(metadata.userinfo_endpoint),
      authMethods: textsOf(metadata.token_endpoint_auth_methods_supported),
      authMethod: preferredAuthMethod(metadata.token_endpoint_auth_methods_supported),
      scopesSupported: textsOf(metadata.scopes_supported),
      codeChallengeMethods: textsOf(metadata.code_challenge_methods_supported),
    }),
    announcesIss: metadata.authorization_response_iss_parameter_supported === true,
    supportsClientIdMetadataDocument: metadata.client_id_metadata_document_supported === true,
    source: 'metadata',
  };
}

/** What is kept of a list, so that no server fills the cache. */
const MAX_TEXTS = 200;

/** Returns the texts of a list that metadata name. Undefined: there is no list. */
export function textsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((one: unknown) => typeof one === 'string').slice(0, MAX_TEXTS);
}

// The library checks only the issuer.
function endpointOf(value: unknown): string | undefined {
  return typeof value === 'string' && isHttpUrl(value) ? value : undefined;
}

function isHttpUrl(value: string): boolean {
  return /^https?:/i.test(value) && isPlainUrl(value);
}
