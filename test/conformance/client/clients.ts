import { exportJWK, importPKCS8 } from 'jose';
import type { AuthenticatedRequest } from '../../../src/oauth/authentication-forms.ts';
import { clientMetadata } from '../../../src/oauth/client-metadata.ts';
import type { AuthorizationServerMetadata } from '../../../src/oauth/issuer-metadata.ts';
import { registerClient } from '../../../src/oauth/register-client.ts';
import type { World } from './world.ts';

const REDIRECT_URI = 'http://127.0.0.1:3000/oauth/callback';

export interface ChosenClient extends AuthenticatedRequest {
  clientId: string;
  redirectUri: string;
}

/** Returns the choice of the client: the one that is known, the metadata document, or a registration of each issuer. */
export function createClients(
  world: World,
): (metadata: AuthorizationServerMetadata) => Promise<ChosenClient> {
  const registered = new Map<string, ChosenClient>();
  return async (metadata) => {
    const known = (await knownClient(world, metadata)) ?? registered.get(metadata.issuer);
    if (known !== undefined) return known;
    const client = await register(world, metadata);
    registered.set(metadata.issuer, client);
    return client;
  };
}

async function knownClient(
  { scenario: { client, clientMetadataUrl } }: World,
  { authMethod, authMethods, issuer, supportsClientIdMetadataDocument }: AuthorizationServerMetadata,
): Promise<ChosenClient | undefined> {
  if (client?.privateKeyPem !== undefined) {
    const key = await importPKCS8(client.privateKeyPem, 'ES256', { extractable: true });
    const privateKey = { ...(await exportJWK(key)), alg: 'ES256' };
    return { clientId: client.clientId, privateKey, issuer, redirectUri: REDIRECT_URI };
  }
  if (client !== undefined) {
    return {
      ...client,
      redirectUri: REDIRECT_URI,
      ...(authMethod !== undefined && { tokenEndpointAuthMethod: authMethod }),
    };
  }
  if (
    clientMetadataUrl === undefined ||
    !supportsClientIdMetadataDocument ||
    !authMethods?.includes('none')
  ) {
    return undefined;
  }
  return { clientId: clientMetadataUrl, redirectUri: REDIRECT_URI, tokenEndpointAuthMethod: 'none' };
}

async function register(
  { guardedFetch }: World,
  metadata: AuthorizationServerMetadata,
): Promise<ChosenClient> {
  const { registrationEndpoint, addressFrom, authMethod, authMethods } = metadata;
  if (registrationEndpoint === undefined) throw new Error('the authorization server registers no clients');
  const outcome = await registerClient(guardedFetch, {
    registrationEndpoint,
    addressFrom,
    metadata: clientMetadata({
      clientName: 'Latchkey',
      redirectUris: [REDIRECT_URI],
      ...(authMethods !== undefined && { authMethods }),
    }),
  });
  if (outcome.kind !== 'registered') throw new Error(`registration: ${JSON.stringify(outcome)}`);
  const { kind: _, clientSecretExpiresAt: __, ...client } = outcome;
  return {
    redirectUri: REDIRECT_URI,
    isMethodAssumed: client.tokenEndpointAuthMethod === undefined,
    ...(authMethod !== undefined && { tokenEndpointAuthMethod: authMethod }),
    ...client,
  };
}
