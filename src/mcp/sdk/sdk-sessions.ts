import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import type { Verdict } from '../http/classify-failure.ts';
import { mayBegin } from '../http/request-token.ts';
import { canTravel } from '../http/rpc-exchange.ts';
import { createServerAddresses } from '../http/server-address.ts';
import { type Watch, whileWatched } from '../http/watch.ts';
import type { McpTarget } from '../port.ts';
import { createConnectionPool, type Lease } from './connection-pool.ts';
import { type OpeningRefused, type OpenSdkConnectionDeps, openSdkConnection } from './open-sdk-connection.ts';
import type { SdkConnection } from './sdk-connection.ts';

export interface SdkSessionsOptions {
  connecting: Omit<OpenSdkConnectionDeps, 'closing' | 'addresses'>;
  maxConnections: number;
  /** Milliseconds. */
  idleMs: number;
  logger?: Pick<Logger, 'warn'> | undefined;
}

export interface SdkSessions {
  /**
   * Runs `use` in the user's session. Runs it once more in a new session where the server refused the old one
   * as such: then it has not acted on what was sent in it.
   */
  use<T extends { kind: string }>(
    target: McpTarget,
    watch: Watch,
    use: (session: SdkConnection) => Promise<T | Verdict>,
  ): Promise<T | Verdict>;
  close(): Promise<void>;
}

type SessionLease = Lease<SdkConnection, OpeningRefused>;

/** Sessions with MCP servers, pooled by server, registration, user and consent; never shared between users. */
export function createSdkSessions(options: SdkSessionsOptions): SdkSessions {
  const closing = new AbortController();
  // Every opening listens to it for as long as it takes.
  setMaxListeners(0, closing.signal);
  const addresses = createServerAddresses();
  const connecting = { ...options.connecting, addresses, closing: closing.signal };
  const pool = createConnectionPool<SdkConnection, OpeningRefused>({
    maxConnections: options.maxConnections,
    idleMs: options.idleMs,
    close: (connection, usable) => connection.close(usable),
  });

  async function use<T extends { kind: string }>(
    target: McpTarget,
    watch: Watch,
    action: (session: SdkConnection) => Promise<T | Verdict>,
  ): Promise<T | Verdict> {
    if (!canTravel(target.bearerToken)) return { kind: 'unauthorized' };
    for (let attempt = 1; ; attempt += 1) {
      const lease = await leaseSession(target, watch);
      if (lease.kind === 'refused') return lease.refusal.verdict;
      try {
        const outcome = await action(lease.connection);
        const isRefused = refusesSession(outcome, lease.connection, target);
        if (isRefused || endsSession(outcome)) lease.discard();
        if (!isRefused) return outcome;
        if (attempt === 2) return whereSessionsDoNotHelp(outcome);
      } finally {
        lease.release();
      }
      options.logger?.warn({ mcpServerId: target.mcpServerId, attempt }, 'MCP session refused, opening anew');
    }
  }

  async function leaseSession(target: McpTarget, watch: Watch): Promise<SessionLease> {
    for (;;) {
      if (watch.signal.aborted || closing.signal.aborted) return givenUp(target, watch);
      const leasing = pool.lease(poolKey(target), () => openSdkConnection(connecting, target));
      const lease = await whileWatched(watch, leasing);
      if (lease === undefined) {
        releaseLater(leasing);
        return givenUp(target, watch);
      }
      // Opened on behalf of another call, with a token that has been renewed since: no judgement on ours.
      if (lease.kind === 'leased' || !judgesOtherToken(lease.refusal, target)) return lease;
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await pool.close();
  }

  return { use, close };
}

function poolKey({ mcpServerId, registrationVersion, userId, credentialVersion }: McpTarget): string {
  return JSON.stringify([mcpServerId, registrationVersion, userId, credentialVersion]);
}

// Some servers bind a session to the token that it was opened with. A 401 to another token is then about the
// session; where it is about the token, the new session is refused with 401 as well.
function refusesSession(outcome: { kind: string }, session: SdkConnection, target: McpTarget): boolean {
  if (outcome.kind === 'session-lost') return true;
  return outcome.kind === 'unauthorized' && session.acceptedToken() !== target.bearerToken;
}

// A session in which something is refused that can't be told from a broken session is not used again, nor one in
// which the server sent too much.
function endsSession(outcome: { kind: string; code?: unknown; cause?: unknown }): boolean {
  if (outcome.kind === 'unanswered') return outcome.cause === 'flooded';
  return outcome.kind === 'failed' && outcome.code === 'protocol-error';
}

// Refused in a session made just now too: it was not about the session after all.
function whereSessionsDoNotHelp<T extends { kind: string }>(outcome: T | Verdict): T | Verdict {
  return isSessionLost(outcome) && outcome.failure !== undefined ? outcome.failure : outcome;
}

function isSessionLost(outcome: { kind: string }): outcome is Extract<Verdict, { kind: 'session-lost' }> {
  return outcome.kind === 'session-lost';
}

function judgesOtherToken({ verdict, bearerToken }: OpeningRefused, target: McpTarget): boolean {
  // With the same token, but by a call that must not use it, where this one may.
  if (verdict.kind === 'token-due') return mayBegin(target);
  const judgesToken =
    verdict.kind === 'unauthorized' ||
    verdict.kind === 'insufficient-scope' ||
    (verdict.kind === 'failed' && verdict.code === 'forbidden');
  return judgesToken && bearerToken !== target.bearerToken;
}

function givenUp({ bearerToken }: McpTarget, watch: Watch): SessionLease {
  const cause = watch.signal.aborted ? watch.cause() : 'cancelled';
  return { kind: 'refused', refusal: { verdict: { kind: 'unanswered', cause, sent: false }, bearerToken } };
}

/** The opening may serve other callers; for this one it is over. */
function releaseLater(leasing: Promise<SessionLease>): void {
  leasing.then(
    (lease) => lease.kind === 'leased' && lease.release(),
    () => {},
  );
}
