import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { accountOf } from '../../contracts/accounts.ts';
import { notAnswered, type SessionLost } from '../http/classify-failure.ts';
import { isValidBearerToken, mayBegin } from '../http/request-token.ts';
import { createServerAddresses } from '../http/server-address.ts';
import { type Watch, whileWatched } from '../http/watch.ts';
import type { McpTarget, RequestFailure } from '../port.ts';
import { type Acquisition, createConnectionPool } from './connection-pool.ts';
import { type OpeningRefused, type OpenSdkConnectionDeps, openSdkConnection } from './open-sdk-connection.ts';
import type { SdkConnection } from './sdk-connection.ts';

export interface SdkSessionsOptions {
  connecting: Omit<OpenSdkConnectionDeps, 'closing' | 'addresses'>;
  maxConnections: number;
  /** Milliseconds. */
  idleMs: number;
  logger?: Pick<Logger, 'warn'> | undefined;
  /** Called with the number of sessions when it has changed. */
  connected?: ((sessions: number) => void) | undefined;
}

export interface SdkSessions {
  /**
   * Runs `use` in the user's session. If the server refuses the session itself, it has not acted on what was sent in
   * it, so `use` runs once more in a new session.
   */
  use<T extends { kind: string }>(
    target: McpTarget,
    watch: Watch,
    use: (session: SdkConnection) => Promise<T | SessionLost>,
  ): Promise<T | RequestFailure>;
  close(): Promise<void>;
}

type AcquiredSession = Acquisition<SdkConnection, OpeningRefused>;

/**
 * Sessions with MCP servers, pooled by server, registration, user, account and consent; never shared between users or
 * accounts.
 */
export function createSdkSessions(options: SdkSessionsOptions): SdkSessions {
  const closing = new AbortController();
  // Every opening listens to it until it is done.
  setMaxListeners(0, closing.signal);
  const addresses = createServerAddresses();
  const connecting = { ...options.connecting, addresses, closing: closing.signal };
  const pool = createConnectionPool<SdkConnection, OpeningRefused>({
    maxConnections: options.maxConnections,
    idleMs: options.idleMs,
    close: (connection, usable) => connection.close(usable),
    changed: options.connected,
  });

  async function use<T extends { kind: string }>(
    target: McpTarget,
    watch: Watch,
    action: (session: SdkConnection) => Promise<T | SessionLost>,
  ): Promise<T | RequestFailure> {
    if (!isValidBearerToken(target.bearerToken)) return { kind: 'unauthorized' };
    for (let attempt = 1; ; attempt += 1) {
      const acquired = await acquireSession(target, watch);
      if (acquired.kind === 'refused') return acquired.refusal.failure;
      try {
        const outcome = await action(acquired.connection);
        const isRefused = refusesSession(outcome, acquired.connection, target);
        if (isRefused || breaksSession(outcome)) acquired.discard();
        if (!isRefused || attempt === 2)
          return isSessionLost(outcome) ? failureAfterSecondLoss(outcome) : outcome;
      } finally {
        acquired.release();
      }
      options.logger?.warn(
        { mcpServerId: target.mcpServerId, attempt },
        'MCP session refused, opening another one',
      );
    }
  }

  async function acquireSession(target: McpTarget, watch: Watch): Promise<AcquiredSession> {
    for (;;) {
      if (watch.signal.aborted || closing.signal.aborted) return abandonedOpening(target, watch);
      const acquiring = pool.acquire(poolKey(target), () => openSdkConnection(connecting, target));
      const acquired = await whileWatched(watch, acquiring);
      if (acquired === undefined) {
        releaseLater(acquiring);
        return abandonedOpening(target, watch);
      }
      // A refusal of another call's opening, whose token has been renewed since, says nothing about this token.
      if (acquired.kind === 'acquired' || !concernsOtherToken(acquired.refusal, target)) return acquired;
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await pool.close();
  }

  return { use, close };
}

function poolKey(target: McpTarget): string {
  const { mcpServerId, registrationVersion, userId, credentialVersion } = target;
  return JSON.stringify([mcpServerId, registrationVersion, userId, accountOf(target), credentialVersion]);
}

// Some servers bind a session to the token that it was opened with. A 401 to another token is then about the session.
// If it is about the token, the new session is refused with 401 as well.
function refusesSession(outcome: { kind: string }, session: SdkConnection, target: McpTarget): boolean {
  if (isSessionLost(outcome)) return true;
  return outcome.kind === 'unauthorized' && session.acceptedToken() !== target.bearerToken;
}

// A protocol error may come from a broken session, so the session is not used again. Nor is one in which the server
// sent too much.
function breaksSession(outcome: { kind: string; code?: unknown; cause?: unknown }): boolean {
  if (outcome.kind === 'lost') return outcome.cause === 'flooded';
  return outcome.kind === 'failed' && outcome.code === 'protocol-error';
}

function isSessionLost(outcome: { kind: string }): outcome is SessionLost {
  return outcome.kind === 'session-lost';
}

// A server that refuses a session which it opened just now did not act on the request. Either the refusal was not about
// the session after all, and `failure` says what it was, or the server forgets its sessions at once.
function failureAfterSecondLoss({ failure }: SessionLost): RequestFailure {
  return failure ?? { kind: 'not-sent', cause: 'unavailable' };
}

function concernsOtherToken({ failure, bearerToken }: OpeningRefused, target: McpTarget): boolean {
  // The token is the same, but the other call was not allowed to use it, and this one may be.
  if (failure.kind === 'token-stale') return mayBegin(target);
  const concernsToken =
    failure.kind === 'unauthorized' ||
    failure.kind === 'insufficient-scope' ||
    (failure.kind === 'failed' && failure.code === 'forbidden');
  return concernsToken && bearerToken !== target.bearerToken;
}

function abandonedOpening({ bearerToken }: McpTarget, watch: Watch): AcquiredSession {
  const cause = watch.signal.aborted ? watch.cause() : 'cancelled';
  return { kind: 'refused', refusal: { failure: notAnswered(cause, false), bearerToken } };
}

/** The opening may serve other callers; this one no longer waits for it. */
function releaseLater(acquiring: Promise<AcquiredSession>): void {
  acquiring.then(
    (acquired) => acquired.kind === 'acquired' && acquired.release(),
    () => {},
  );
}
