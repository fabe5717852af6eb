/**
 * Finds out what an MCP server is and how users would connect it, for an admin who adds it or looks after it. Asks as
 * connecting does, registers no client and changes nothing. Whatever a server says is cut and stays text.
 */
import { raceTimeout } from '../async/deadline.ts';
import { isScopeList } from '../contracts/scopes.ts';
import { type AuthorizationProbe, probeAuthorization } from '../mcp/http/probe-authorization.ts';
import { readServerDescription, type ServerDescription } from '../mcp/http/server-description.ts';
import type { NetworkErrorCode } from '../net/network.ts';
import { type ServerAuth, splitQuery } from '../servers/registered-server.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type ClientSource, clientSourceOf } from './clients/choose-client.ts';
import { redirectUri } from './clients/redirect-uri.ts';
import type { ConnectCode } from './connect-code.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { type DiscoveredAuthorization, discoverAuthorization } from './discover-authorization.ts';

/** What to check: a registration, or what an admin wants to register. */
export interface CheckedServer {
  /** With its query. */
  url: string;
  headers?: Record<string, string>;
  auth: ServerAuth;
}

export type ServerCheck =
  /** `NETWORK_POLICY` does not allow the address. */
  | { kind: 'address-refused' }
  /** `cause`: `timeout`, or the code of a `NetworkError`. */
  | { kind: 'unreachable'; cause: string }
  /** It answers, but not as MCP does. */
  | { kind: 'not-mcp'; status: number }
  | {
      kind: 'mcp';
      /** Undefined: the server tells nothing without a token. */
      description?: ServerDescription;
      authorization: AuthorizationCheck;
    };

export type AuthorizationCheck =
  /** It lists its tools without a token. */
  | { kind: 'open' }
  /** It wants a token, and is registered with one. */
  | { kind: 'token' }
  | OAuthCheck
  /** It wants a token, and a user who connects would meet this. */
  | { kind: 'blocked'; code: ConnectCode; message: string };

export interface OAuthCheck {
  kind: 'oauth';
  issuer: string;
  /** The server publishes no metadata: these are the addresses of MCP 2025-03-26, which may not exist. */
  isGuess: boolean;
  /** Undefined: an operator has to register a client there, with the redirect URI. */
  client?: ClientSource;
  redirectUri: string;
  /** What users are asked to allow. Empty: the authorization server decides. */
  scopes: string[];
}

export type CheckDependencies = Pick<
  ConnectDependencies,
  'guardedFetch' | 'authorizationServers' | 'publicUrl' | 'version'
>;

/** Limit of the whole check, because a person waits. */
const TIMEOUT_MS = 10_000;

/** Never throws because of the network or the server. */
export async function checkServer(
  deps: CheckDependencies,
  server: CheckedServer,
  timeoutMs = TIMEOUT_MS,
): Promise<ServerCheck> {
  const endsAt = performance.now() + timeoutMs;
  const { probe, description } = await probeServer(deps, server, timeoutMs);
  switch (probe.kind) {
    case 'unavailable':
      return unreachable(probe.cause);
    case 'other':
      return { kind: 'not-mcp', status: probe.status };
    case 'open':
      if (description === undefined) return { kind: 'not-mcp', status: 200 };
      return { kind: 'mcp', description, authorization: { kind: 'open' } };
    case 'challenged': {
      const ms = Math.max(endsAt - performance.now(), 0);
      const authorization = await raceTimeout({ ms }, checkAuthorization(deps, server, probe), tooSlow);
      return { kind: 'mcp', ...(description && { description }), authorization };
    }
    default:
      return probe satisfies never;
  }
}

async function probeServer(
  { guardedFetch, version }: CheckDependencies,
  { url, headers = {} }: CheckedServer,
  timeoutMs: number,
): Promise<{ probe: AuthorizationProbe; description: ServerDescription | undefined }> {
  let description: ServerDescription | undefined;
  const probe = await probeAuthorization(
    guardedFetch,
    { url, headers },
    {
      clientVersion: version,
      timeoutMs,
      onInitialized: async (response) => {
        description = await readServerDescription(response);
      },
    },
  );
  return { probe, description };
}

const REFUSED: readonly NetworkErrorCode[] = ['address-refused', 'scheme-refused', 'userinfo-refused'];

function unreachable(cause: string): ServerCheck {
  return REFUSED.some((code) => code === cause)
    ? { kind: 'address-refused' }
    : { kind: 'unreachable', cause };
}

function tooSlow(): AuthorizationCheck {
  const message = 'the authorization server did not answer within 10 seconds';
  return { kind: 'blocked', code: 'authorization-server-unavailable', message };
}

async function checkAuthorization(
  { authorizationServers, publicUrl }: CheckDependencies,
  server: CheckedServer,
  probe: AuthorizationProbe,
): Promise<AuthorizationCheck> {
  if (server.auth.type === 'bearer') return { kind: 'token' };
  const found = await discoverAuthorization(authorizationServers, server, { probe, skipCache: true });
  if (found.kind === 'refused') return { kind: 'blocked', code: found.code, message: found.message };
  const { metadata } = found;
  const auth = server.auth.type === 'oauth2' ? server.auth : {};
  const client = clientSourceOf(publicUrl, { auth, metadata });
  return {
    kind: 'oauth',
    // Where no metadata name the issuer, an endpoint stands for it, whose query may hold a secret.
    issuer: splitQuery(metadata.issuer).url,
    isGuess: metadata.source === 'defaults',
    ...(client !== undefined && { client }),
    redirectUri: redirectUri(publicUrl, metadata),
    scopes: scopesOf(found, auth),
  };
}

const MAX_SCOPES = 50;
const MAX_SCOPE_LENGTH = 200;

function scopesOf(
  { challenged, resource, metadata }: DiscoveredAuthorization,
  { scopes: registered }: { scopes?: string },
): string[] {
  const scope = chooseScopes({
    challenged,
    registered,
    ofResource: resource?.scopesSupported,
    ofAuthorizationServer: metadata.scopesSupported,
    required: [],
    previous: [],
  });
  const scopes = (scope ?? '').split(' ');
  return scopes.filter((one) => one.length <= MAX_SCOPE_LENGTH && isScopeList(one)).slice(0, MAX_SCOPES);
}
