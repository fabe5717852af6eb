/**
 * Where an issuer's metadata may stand, in the order that MCP prescribes: RFC 8414 §3, the same with OpenID's name,
 * OpenID's own form.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#authorization-server-metadata-discovery
 */
export function issuerMetadataUrls(issuer: URL): string[] {
  const path = issuer.pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map((name) =>
    atPath(issuer, `/.well-known/${name}${path}`),
  );
  const appended = atPath(issuer, `${path}/.well-known/openid-configuration`);
  return path === '' ? inserted : [...inserted, appended];
}

// Set, not resolved: a path that begins with two slashes would resolve to another host. A user name stays, to be
// refused.
function atPath(base: URL, pathname: string): string {
  const url = new URL(base);
  url.pathname = pathname;
  url.search = '';
  url.hash = '';
  return url.href;
}

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** Where a resource's metadata may stand: between host and path, with its query (RFC 9728 §3.1), or for its host. */
export function resourceMetadataUrls(resource: URL): { ofPath: string; ofRoot: string } {
  const url = new URL(resource);
  url.pathname = url.pathname === '/' ? RESOURCE_METADATA : `${RESOURCE_METADATA}${url.pathname}`;
  return { ofPath: url.href, ofRoot: atPath(resource, RESOURCE_METADATA) };
}
