import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { GrantDeposit } from './deposited-grant.ts';

/** The token endpoint that the metadata of a registered authorization server names. */
export interface NamedEndpoint {
  authorizationServer: string;
  /** Undefined: its metadata can't be used. */
  tokenEndpoint: string | undefined;
}

export type Vetting =
  | { kind: 'accepted' }
  | { kind: 'refused'; field: string; message: string }
  /** The token endpoint has another origin than this authorization server, so its metadata must decide. */
  | { kind: 'ask'; authorizationServer: string };

/**
 * Decides whether a deposit may be stored for a server. If the authorization server is registered, the token endpoint
 * must have its origin, or be the one that its metadata names, because many providers have it on another host. An admin
 * vouches for both, so they may be at addresses that a user may not name.
 *
 * @param named the token endpoint that the metadata names, once it was read
 * @param refuseAddress returns why a user may not name this address, or undefined
 */
export function vetDeposit(
  server: RegisteredServer,
  deposit: GrantDeposit,
  named: NamedEndpoint | undefined,
  refuseAddress: (url: string) => string | undefined,
): Vetting {
  if (server.auth.type !== 'oauth2') return refused('mcpServerId', 'this server takes no OAuth credentials');
  const { authorizationServer } = server.auth;
  if (authorizationServer !== undefined) {
    if (new URL(authorizationServer).origin === new URL(deposit.tokenEndpoint).origin) return ACCEPTED;
  }
  const fields =
    authorizationServer === undefined ? (['tokenEndpoint', 'issuer'] as const) : (['issuer'] as const);
  for (const field of fields) {
    const url = deposit[field];
    const message = url === undefined ? undefined : refuseAddress(url);
    if (message !== undefined) return refused(field, message);
  }
  if (authorizationServer === undefined) return ACCEPTED;
  if (named?.authorizationServer !== authorizationServer) return { kind: 'ask', authorizationServer };
  return isSameUrl(named.tokenEndpoint, deposit.tokenEndpoint)
    ? ACCEPTED
    : refused('tokenEndpoint', "must be the token endpoint of the server's own authorization server");
}

/** Reads the metadata of the registered authorization server. Sends requests, so never call it within a transaction. */
export async function findNamedEndpoint(
  authorizationServers: AuthorizationServerLookup,
  authorizationServer: string,
): Promise<{ kind: 'named'; named: NamedEndpoint } | { kind: 'unavailable'; cause: string }> {
  const found = await authorizationServers.ofIssuer(authorizationServer, 'admin');
  if (found.kind === 'unavailable') return found;
  const tokenEndpoint = found.kind === 'found' ? found.metadata.tokenEndpoint : undefined;
  return { kind: 'named', named: { authorizationServer, tokenEndpoint } };
}

const ACCEPTED: Vetting = { kind: 'accepted' };

function refused(field: string, message: string): Vetting {
  return { kind: 'refused', field, message };
}

export function isSameUrl(one: string | undefined, other: string): boolean {
  return one !== undefined && new URL(one).href === new URL(other).href;
}
