import { type ClientMetadata, clientMetadata } from '../../oauth/client-metadata.ts';
import { issuerKey, type RedirectingIssuer } from './redirect-uri.ts';

/**
 * Returns the client id that is the address of our metadata document. The document lists the redirect URI, so a server
 * with a redirect URI of its own has a document of its own.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document
 */
export function documentClientId(publicUrl: string, { issuer, announcesIss }: RedirectingIssuer): string {
  return announcesIss ? documentUrl(publicUrl) : documentUrl(publicUrl, issuerKey(issuer));
}

/** Whether authorization servers may fetch the document: the draft requires https. */
export function hasDocument(publicUrl: string): boolean {
  return new URL(publicUrl).protocol === 'https:';
}

/** @param key the issuer's, for a server with a redirect URI of its own */
export function clientIdDocument(publicUrl: string, key?: string): ClientMetadata & { client_id: string } {
  const callback = `${publicUrl}/oauth/callback`;
  return {
    client_id: documentUrl(publicUrl, key),
    ...clientMetadata({
      clientName: CLIENT_NAME,
      clientUri: publicUrl,
      redirectUris: [key === undefined ? callback : `${callback}/${key}`],
      authMethods: ['none'],
    }),
  };
}

/** How authorization servers name Latchkey to users. */
export const CLIENT_NAME = 'Latchkey';

function documentUrl(publicUrl: string, key?: string): string {
  const path = key === undefined ? 'client-metadata' : `client-metadata/${key}`;
  return `${publicUrl}/oauth/${path}.json`;
}
