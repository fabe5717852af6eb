import type { TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { Grant } from '../credential.ts';

/**
 * The id of the operator's client, where a grant has no client of its own. Its secret goes only to endpoints
 * of metadata that was found by the server's registration, never to where a deposit points.
 */
export function operatorClientId({ auth }: RegisteredServer, grant: Grant): string | undefined {
  return grant.clientId === undefined && auth.type === 'oauth2' ? auth.clientId : undefined;
}

/**
 * How the grant's client authenticates, as its owner says; undefined: it is to be found out. A deposit does not speak
 * for the operator's client: the refusal of one user's wrong method would hold up all users.
 */
export function saidMethod(server: RegisteredServer, grant: Grant): TokenEndpointAuthMethod | undefined {
  if (operatorClientId(server, grant) === undefined) return grant.tokenEndpointAuthMethod;
  return registeredMethod(server);
}

export function registeredMethod({ auth }: RegisteredServer): TokenEndpointAuthMethod | undefined {
  return auth.type === 'oauth2' ? auth.tokenEndpointAuthMethod : undefined;
}
