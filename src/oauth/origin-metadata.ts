import { NetworkError } from '../net/network.ts';
import { type DiscoveryOutcome, discoverIssuer, type IssuerDependencies } from './issuer-metadata.ts';

/**
 * Reads the metadata of an MCP server's origin as its authorization server, as MCP 2025-03-26 defines it, or returns the
 * default endpoints of that revision. No admin says that the origin is an authorization server, so it must be where
 * users may point.
 *
 * @see https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#2-3-3-authorization-base-url
 */
export async function discoverOfOrigin(deps: IssuerDependencies, origin: string): Promise<DiscoveryOutcome> {
  try {
    const outcome = await discoverIssuer(deps, origin, 'user');
    return outcome.kind === 'absent' ? defaultsOf(origin) : outcome;
  } catch (error) {
    if (error instanceof NetworkError && error.code === 'address-refused') return MUST_BE_REGISTERED;
    throw error;
  }
}

const MUST_BE_REGISTERED: DiscoveryOutcome = {
  kind: 'misconfigured',
  message: 'the MCP server publishes no resource metadata: register its authorizationServer',
};

function defaultsOf(origin: string): DiscoveryOutcome {
  const metadata = {
    issuer: origin,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    registrationEndpoint: `${origin}/register`,
    announcesIss: false,
    supportsClientIdMetadataDocument: false,
    addressFrom: 'user',
    source: 'defaults',
  } as const;
  return { kind: 'found', metadata };
}
