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
 * Decides whether a deposit may be stored for a server. If the authorization server or its token endpoint is registered,
 * the deposit's token endpoint must have the origin of one of them. Without a registered token endpoint, it may also be
 * the one that the metadata name, because many providers have it on another host. An admin vouches for all of them, so
 * they may be at addresses that a user may not name.
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
  const registered = registeredAddresses(server);
  if (registered.some((one) => isSameOrigin(one, deposit.tokenEndpoint))) return ACCEPTED;
  const fields = registered.length === 0 ? (['tokenEndpoint', 'issuer'] as const) : (['issuer'] as const);
  for (const field of fields) {
    const url = deposit[field];
    const isRegistered = url === server.auth.authorizationServer;
    const message = url === undefined || isRegistered ? undefined : refuseAddress(url);
    if (message !== undefined) return refused(field, message);
  }
  if (registered.length === 0) return ACCEPTED;
  const { authorizationServer, tokenEndpoint } = server.auth;
  if (authorizationServer === undefined || tokenEndpoint !== undefined) return NOT_OF_SERVER;
  if (named?.authorizationServer !== authorizationServer) return { kind: 'ask', authorizationServer };
  return isSameUrl(named.tokenEndpoint, deposit.tokenEndpoint) ? ACCEPTED : NOT_OF_SERVER;
}

/** The addresses that an admin registered for the authorization server, and that a token endpoint must go with. */
export function registeredAddresses({ auth }: RegisteredServer): string[] {
  if (auth.type !== 'oauth2') return [];
  return [auth.authorizationServer, auth.tokenEndpoint].filter((one) => one !== undefined);
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
const NOT_OF_SERVER = refused(
  'tokenEndpoint',
  "must be the token endpoint of the server's own authorization server",
);

function refused(field: string, message: string): Vetting {
  return { kind: 'refused', field, message };
}

export function isSameOrigin(one: string, other: string): boolean {
  return URL.parse(one)?.origin === URL.parse(other)?.origin;
}

export function isSameUrl(one: string | undefined, other: string): boolean {
  return one !== undefined && new URL(one).href === new URL(other).href;
}
