import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { isScopeList } from '../../contracts/scopes.ts';
import { fetchWithin } from '../../net/fetch-within.ts';
import { type GuardedFetch, type GuardedRequestInit, NetworkError } from '../../net/network.ts';
import { registeredHeaders } from './authorize-request.ts';
import { type AddressedAnswer, fetchFrom, type ServerAddress } from './server-address.ts';
import { parseChallenges } from './www-authenticate.ts';

export interface ProbeTarget {
  /** The registered URL, with its query. */
  url: string;
  /** The registered headers, by name. */
  headers: Record<string, string>;
}

export type AuthorizationProbe =
  /** 401, or a 403 with a challenge. */
  | {
      kind: 'challenged';
      /** RFC 9728 §5.1. As the server states it: it may be any text. */
      resourceMetadataUrl?: string;
      /** RFC 6750 §3: the scopes that the server asks for, separated by spaces. */
      scope?: string;
    }
  /** The server lists its tools without a token. It may ask for one later. */
  | { kind: 'open' }
  /** Any other answer, which says nothing about authorization. */
  | { kind: 'other'; status: number }
  | { kind: 'unavailable'; cause: string };

export interface ProbeOptions {
  clientVersion: string;
  timeoutMs?: number;
  /** Receives an accepted `initialize`, whose body it must read or cancel. Default: nothing is read of it. */
  onInitialized?: ((response: Response) => Promise<void>) | undefined;
}

/** Of all requests together. The user's browser is waiting. */
const TIMEOUT_MS = 10_000;
const LIMITS = { headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS, maxBodyBytes: 64 * 1024 };

/**
 * Asks an MCP server how it wants requests to be authorized: sends `initialize` without a token, and reads the
 * challenge. Some servers let anybody initialize and challenge the next request, so the tools are listed as well. A
 * session that the server opens is ended. Never throws because of the network or the server.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements
 */
export async function probeAuthorization(
  guardedFetch: GuardedFetch,
  target: ProbeTarget,
  { clientVersion, timeoutMs = TIMEOUT_MS, onInitialized }: ProbeOptions,
): Promise<AuthorizationProbe> {
  const fetched = await fetchWithin(guardedFetch, timeoutMs, (limited) =>
    probe(limited, target, clientVersion, onInitialized),
  );
  return fetched.kind === 'done' ? fetched.value : { kind: 'unavailable', cause: fetched.cause };
}

async function probe(
  guardedFetch: GuardedFetch,
  { url, headers: registered }: ProbeTarget,
  clientVersion: string,
  onInitialized: ProbeOptions['onInitialized'],
): Promise<AuthorizationProbe> {
  const headers = registeredHeaders(registered);
  headers.set('content-type', 'application/json');
  headers.set('accept', 'application/json, text/event-stream');
  const request = { method: 'POST', headers, addressFrom: 'admin', ...LIMITS } as const;
  const address = { registered: new URL(url), current: new URL(url) };
  const send = (message: object, read?: ProbeOptions['onInitialized']) => {
    const init = { ...request, body: JSON.stringify({ jsonrpc: '2.0', ...message }) };
    return sendProbe(guardedFetch, address, init, read);
  };
  const initialized = await send(initialize(clientVersion), onInitialized);
  if (!initialized.response.ok) return toProbe(initialized.response);
  const session = initialized.response.headers.get('mcp-session-id');
  if (session !== null) headers.set('mcp-session-id', session);
  await send({ method: 'notifications/initialized' });
  const listed = await send({ id: 2, method: 'tools/list' });
  if (session !== null) await endSession(guardedFetch, initialized.url, request);
  const probed = toProbe(listed.response);
  return probed.kind === 'challenged' ? probed : { kind: 'open' };
}

async function sendProbe(
  guardedFetch: GuardedFetch,
  address: ServerAddress,
  init: GuardedRequestInit & { headers: Headers },
  read: ProbeOptions['onInitialized'],
): Promise<AddressedAnswer> {
  const answer = await fetchFrom(address, init, guardedFetch, () => {});
  if (answer.response.ok && read !== undefined) {
    await read(answer.response);
    return answer;
  }
  // The challenge is in the headers. An open stream would never end.
  await answer.response.body?.cancel();
  return answer;
}

/** The id of the probe's `initialize`. */
export const INITIALIZE_ID = 1;

function initialize(version: string) {
  return {
    id: INITIALIZE_ID,
    method: 'initialize',
    params: {
      protocolVersion: LATEST_PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'latchkey', version },
    },
  };
}

// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
async function endSession(
  guardedFetch: GuardedFetch,
  url: URL,
  request: GuardedRequestInit & { headers: Headers },
): Promise<void> {
  const headers = new Headers(request.headers);
  headers.delete('content-type');
  try {
    const ended = await guardedFetch(url, { ...request, method: 'DELETE', headers });
    await ended.body?.cancel();
  } catch (error) {
    // The server expires the session.
    if (!(error instanceof NetworkError)) throw error;
  }
}

const MAX_SCOPE_LENGTH = 2_048;

function toProbe({ ok, status, headers }: Response): AuthorizationProbe {
  if (ok) return { kind: 'open' };
  const bearer = parseChallenges(headers.get('www-authenticate')).filter(({ scheme }) => scheme === 'bearer');
  if (status !== 401 && !(status === 403 && bearer.length > 0)) return { kind: 'other', status };
  const challenge = bearer.find(({ params }) => params.resource_metadata !== undefined) ?? bearer[0];
  const { resource_metadata: resourceMetadataUrl, scope = '' } = challenge?.params ?? {};
  return {
    kind: 'challenged',
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    ...(scope.length <= MAX_SCOPE_LENGTH && isScopeList(scope) && { scope }),
  };
}
