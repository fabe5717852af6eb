import {
  type AuthorizationServerMetadata,
  type DiscoveryOutcome,
  discoverIssuer,
  type IssuerDependencies,
  NOT_ALLOWED,
} from './issuer-metadata.ts';

/**
 * Reads the metadata of an MCP server's origin as its authorization server, as MCP 2025-03-26 defines it, or returns the
 * default endpoints of that revision. An admin registered the origin, and so vouches for endpoints there; other hosts
 * are named by the MCP server alone.
 *
 * @see https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#2-3-3-authorization-base-url
 */
export async function discoverOfOrigin(deps: IssuerDependencies, origin: string): Promise<DiscoveryOutcome> {
  const outcome = await discoverIssuer(deps, origin, 'admin');
  if (outcome.kind === 'absent') return { kind: 'found', metadata: defaultsOf(origin) };
  if (outcome.kind !== 'found' || isAllAt(origin, outcome.metadata)) return outcome;
  const metadata = { ...outcome.metadata, addressFrom: 'user' as const };
  return deps.refusesUrl(metadata.tokenEndpoint, 'user') ? NOT_ALLOWED : { kind: 'found', metadata };
}

function isAllAt(origin: string, metadata: AuthorizationServerMetadata): boolean {
  const { tokenEndpoint, registrationEndpoint, revocationEndpoint, userinfoEndpoint } = metadata;
  return [tokenEndpoint, registrationEndpoint, revocationEndpoint, userinfoEndpoint].every(
    (url) => url === undefined || new URL(url).origin === origin,
  );
}

function defaultsOf(origin: string): AuthorizationServerMetadata {
  return {
    issuer: origin,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    registrationEndpoint: `${origin}/register`,
    announcesIss: false,
    supportsClientIdMetadataDocument: false,
    addressFrom: 'admin',
    source: 'defaults',
  };
}
