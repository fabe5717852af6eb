import type { ProtectedResource } from './issuer-metadata.ts';

/**
 * Returns the `resource` of a server's authorization, code and refresh requests. Undefined: they have none. What the
 * admin registered comes first, then what the MCP server's metadata name, both byte for byte, because some
 * authorization servers compare characters; then the server's URL. A query of that URL is left out: it may hold secrets,
 * and the user's browser sees the resource.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8707#section-2
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#canonical-server-uri
 */
export function resourceOf(
  url: string,
  auth: { resource?: string },
  discovered?: Partial<ProtectedResource>,
): string | undefined {
  if (auth.resource === 'omit') return undefined;
  return auth.resource ?? discovered?.resource ?? url.replace(/[?#].*$/s, '');
}
