import { createHash } from 'node:crypto';
import type { AuthorizationServerMetadata } from '../../oauth/issuer-metadata.ts';

/** What of an authorization server's metadata decides about the redirect URI. */
export type RedirectingIssuer = Pick<AuthorizationServerMetadata, 'issuer' | 'announcesIss'>;

/**
 * Returns the redirect URI for an authorization server. A server whose answers do not name their issuer gets one of its
 * own, so that an answer of another server is recognized by the address that it comes to.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2.2
 */
export function redirectUri(publicUrl: string, issuer: RedirectingIssuer): string {
  const callback = `${publicUrl}/oauth/callback`;
  return issuer.announcesIss ? callback : `${callback}/${issuerKey(issuer.issuer)}`;
}

/** Returns 22 characters that stand for an issuer in a path: 132 bits of its SHA-256. */
export function issuerKey(issuer: string): string {
  return createHash('sha256').update(issuer).digest('base64url').slice(0, 22);
}

/** The form of an `issuerKey`. */
export const ISSUER_KEY = /^[A-Za-z0-9_-]{22}$/;
