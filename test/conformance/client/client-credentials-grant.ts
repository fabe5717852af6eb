import * as oauth from 'oauth4webapi';
import { createSecretRedaction } from '../../../src/net/secret-redaction.ts';
import { type ClientCredentials, clientAuthentication } from '../../../src/oauth/client-authentication.ts';
import type { AuthorizationServerMetadata } from '../../../src/oauth/issuer-metadata.ts';
import { readTokenAnswer, type TokenOutcome } from '../../../src/oauth/token-answer.ts';
import type { World } from './world.ts';

/**
 * Gets a token for the client itself. This grant is this program's own, because Latchkey acts for users only; discovery,
 * client authentication and the reading of the answer are Latchkey's.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export async function clientCredentialsGrant(
  { guardedFetch }: World,
  { issuer, tokenEndpoint, addressFrom }: AuthorizationServerMetadata,
  client: ClientCredentials & { clientId: string },
  parameters: Record<string, string>,
): Promise<TokenOutcome> {
  const response = await oauth.genericTokenEndpointRequest(
    { issuer, token_endpoint: tokenEndpoint },
    { client_id: client.clientId },
    clientAuthentication(client),
    'client_credentials',
    parameters,
    {
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, { method, headers, body }) =>
        guardedFetch(url, { method, headers, body, addressFrom }),
    },
  );
  return readTokenAnswer(response, createSecretRedaction());
}
