import type { RegisteredServer } from '../servers/registered-server.ts';
import type { Grant } from './credential.ts';

/**
 * The id of the operator's client, where a grant has no client of its own. Its secret goes only to endpoints
 * of metadata that was found by the server's registration, never to where a deposit points.
 */
export function operatorClientId({ auth }: RegisteredServer, grant: Grant): string | undefined {
  return grant.clientId === undefined && auth.type === 'oauth2' ? auth.clientId : undefined;
}
