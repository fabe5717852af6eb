import { setTimeout as delay } from 'node:timers/promises';
import { isOutage, type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** One connection of the user, as `GET /mcp-oauth-credentials` lists it. */
export interface ListedConnection {
  mcpServerId: string;
  account: string;
  label?: string;
  status: 'connected' | 'reauth-required';
  reason?: string;
  waitingSteps: number;
}

/** What names a connection. The account `default` may be left out. */
export interface ConnectionName {
  mcpServerId: string;
  account?: string | undefined;
}

/** A link for the user's browser. */
export interface ConnectLink {
  connectSessionId: string;
  url: string;
  /** ISO 8601. */
  expiresAt: string;
}

/** How far the consent is, as `GET /connect-sessions/:id` says. */
export interface ConnectSession {
  connectSessionId: string;
  mcpServerId: string;
  account: string;
  status: 'open' | 'awaiting-confirmation' | 'connected' | 'denied' | 'failed' | 'expired';
  /** With `failed`: what went wrong. */
  code?: string;
  label?: string;
}

/** The user's connections over the HTTP API. All methods throw `LatchkeyApiError`. */
export interface ConnectionsApi {
  list(): Promise<ListedConnection[]>;
  /** Ends a connection. Also succeeds if there is none. */
  disconnect(name: ConnectionName): Promise<void>;
  startConnecting(name: ConnectionName, signal?: AbortSignal): Promise<ConnectLink>;
  /**
   * Waits until the account is connected or the link has expired: after a refusal the person can try again. Goes on
   * while the API is briefly away.
   *
   * @throws the reason of `signal`
   */
  outcomeOf(link: ConnectLink, options: WaitOptions): Promise<ConnectSession>;
}

export interface WaitOptions {
  signal: AbortSignal;
  /** Called once for each try that was refused or has failed. */
  onRefusal?: (session: ConnectSession) => void;
}

const POLL_INTERVAL_MS = 1_000;

export function createConnectionsApi(options: LatchkeyApiOptions): ConnectionsApi {
  return {
    async list() {
      // The cast trusts the contract of our own API; so do the next ones.
      const answer = (await requestApi(options, { method: 'GET', path: '/mcp-oauth-credentials' })) as {
        connections: ListedConnection[];
      };
      return answer.connections;
    },
    async disconnect({ mcpServerId, account }) {
      const query = account === undefined ? '' : `?${new URLSearchParams({ account })}`;
      const path = `/mcp-oauth-credentials/${encodeURIComponent(mcpServerId)}${query}`;
      await requestApi(options, { method: 'DELETE', path });
    },
    async startConnecting({ mcpServerId, account }, signal) {
      const body = { mcpServerId, ...(account !== undefined && { account }) };
      const request = { method: 'POST', path: '/connect-sessions', body, signal } as const;
      return (await requestApi(options, request)) as ConnectLink;
    },
    outcomeOf: (link, waiting) => outcomeOf(options, link, waiting),
  };
}

async function outcomeOf(
  options: LatchkeyApiOptions,
  { connectSessionId, expiresAt }: ConnectLink,
  { signal, onRefusal = () => {} }: WaitOptions,
): Promise<ConnectSession> {
  const path = `/connect-sessions/${encodeURIComponent(connectSessionId)}`;
  let seen: ConnectSession['status'] | undefined;
  for (;;) {
    const request = requestApi(options, { method: 'GET', path, signal });
    const session = (await request.catch(briefOutageUntil(expiresAt))) as ConnectSession | undefined;
    if (session !== undefined) {
      if (isSettled(session, expiresAt)) return session;
      if (isRefused(session) && session.status !== seen) onRefusal(session);
      seen = session.status;
    }
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** A refused session never expires, but no other try can begin once its link has. */
function isSettled(session: ConnectSession, expiresAt: string): boolean {
  if (session.status === 'connected' || session.status === 'expired') return true;
  return isRefused(session) && Date.now() >= Date.parse(expiresAt);
}

function isRefused({ status }: ConnectSession): boolean {
  return status === 'denied' || status === 'failed';
}

/** A server that restarts or is busy does not end the wait: the person may still consent. */
function briefOutageUntil(expiresAt: string): (error: unknown) => undefined {
  return (error) => {
    if (isOutage(error) && Date.now() < Date.parse(expiresAt)) return undefined;
    throw error;
  };
}
