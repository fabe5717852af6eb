/**
 * The MCP port over `@modelcontextprotocol/sdk`: revisions of MCP up to 2025-11-25 over Streamable HTTP. The SDK frames
 * requests and negotiates the revision. All requests and answers pass through `../http`, which also classifies their
 * outcomes. Only the composition in `process/` imports this file; all others import `../port.ts`.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { GuardedFetch } from '../../net/network.ts';
import type { SecretRedaction } from '../../net/secret-redaction.ts';
import { createTurns } from '../../turns/turns.ts';
import { callSecrets, callWithoutSecrets, noticingFreshToken, withoutSecrets } from '../call-secrets.ts';
import { createWatch } from '../http/watch.ts';
import type {
  CallToolOutcome,
  ListToolsOptions,
  ListToolsOutcome,
  McpPort,
  McpTarget,
  RequestFailure,
  ToolCall,
} from '../port.ts';
import { SERVER_LIMITS, type ServerLimits } from '../server-limits.ts';
import { createSessionCalls } from './call-in-session.ts';
import type { FillForm } from './fill-form.ts';
import { createSessionLists } from './list-in-session.ts';
import type { SdkConnection } from './sdk-connection.ts';
import { createSdkSessions } from './sdk-sessions.ts';
import type { ListedTools } from './tool-list.ts';

export interface McpLimits {
  /** The most pooled connections. Default 500. */
  maxConnections: number;
  /** Milliseconds without use after which a connection is closed. Default 5 minutes. */
  idleMs: number;
  /** Milliseconds for opening a session. Default 30,000. */
  initializeTimeoutMs: number;
  /** Milliseconds for the list that shows, after a failure, whether a tool exists. Default 15,000. */
  checkTimeoutMs: number;
}

export const DEFAULT_MCP_LIMITS: McpLimits = {
  maxConnections: 500,
  idleMs: 5 * 60_000,
  initializeTimeoutMs: 30_000,
  checkTimeoutMs: 15_000,
};

export interface McpSdkAdapterDeps {
  guardedFetch: GuardedFetch;
  /** Milliseconds since the epoch, by which `Retry-After` dates are read. */
  clock?: () => number;
  logger?: Pick<Logger, 'warn'>;
  limits?: Partial<McpLimits>;
  /** How much work a server may cause. Default: `SERVER_LIMITS`. */
  serverLimits?: Partial<ServerLimits>;
  /** Called with the number of pooled connections when it has changed. */
  connected?: (connections: number) => void;
  /** The client's version that servers are sent. */
  clientVersion?: string;
  /**
   * Fills in the forms that servers send while a tool runs. No process of Latchkey has one, because a form asks a
   * person: without it, forms are not announced and are refused.
   */
  fillForm?: FillForm;
}

/** In the steady state a call is one HTTP request. */
export function createMcpSdkAdapter(deps: McpSdkAdapterDeps): McpPort {
  const { maxConnections, idleMs, initializeTimeoutMs, checkTimeoutMs } = {
    ...DEFAULT_MCP_LIMITS,
    ...deps.limits,
  };
  const serverLimits = { ...SERVER_LIMITS, ...deps.serverLimits };
  const turns = createTurns();
  const { logger } = deps;
  const sessions = createSdkSessions({
    maxConnections,
    idleMs,
    logger,
    connected: deps.connected,
    connecting: {
      guardedFetch: deps.guardedFetch,
      exchanges: new AsyncLocalStorage(),
      clock: deps.clock ?? Date.now,
      initializeTimeoutMs,
      serverLimits,
      turns,
      clientVersion: deps.clientVersion ?? '0.1.0',
      fillForm: deps.fillForm,
    },
  });
  const lists = createSessionLists({ turns, serverLimits, checkTimeoutMs, logger });
  const calls = createSessionCalls(lists, turns);

  async function callTool(own: McpTarget, ownCall: ToolCall): Promise<CallToolOutcome> {
    const secrets = callSecrets(own);
    const target = noticingFreshToken(own, secrets);
    const call = callWithoutSecrets(ownCall, secrets, serverLimits);
    const { signal, ceilingMs, inactivityTimeoutMs: inactivityMs } = call;
    const watch = createWatch({ signal, ceilingMs, inactivityMs });
    try {
      const invoking = noticingSentTokens(secrets, (session) =>
        calls.invoke({ session, target, call, secrets }, watch),
      );
      const outcome = await sessions.use(target, watch, invoking);
      return await turns.take(withoutSecrets(outcome, secrets));
    } finally {
      watch.stop();
    }
  }

  async function listTools(
    target: McpTarget,
    { timeoutMs, ...options }: ListToolsOptions,
  ): Promise<ListToolsOutcome> {
    const secrets = callSecrets(target);
    const watch = createWatch({ ...options, ceilingMs: timeoutMs });
    try {
      const listing = noticingSentTokens(secrets, (session) => lists.list(session, target, watch));
      const outcome = listOutcome(await sessions.use(target, watch, listing));
      return await turns.take(withoutSecrets(outcome, secrets));
    } finally {
      watch.stop();
    }
  }

  return { callTool, listTools, close: () => sessions.close() };
}

/** Adds the tokens of the session to the secrets, also those that other calls send in it meanwhile. */
function noticingSentTokens<T>(
  secrets: SecretRedaction,
  use: (session: SdkConnection) => Promise<T>,
): (session: SdkConnection) => Promise<T> {
  return async (session) => {
    secrets.add(...session.sentTokens());
    const outcome = await use(session);
    secrets.add(...session.sentTokens());
    return outcome;
  };
}

function listOutcome(outcome: ListedTools | RequestFailure): ListToolsOutcome {
  switch (outcome.kind) {
    case 'listed':
      return { kind: 'listed', tools: outcome.tools };
    case 'not-sent':
    case 'lost':
      return { ...outcome, kind: 'unavailable' };
    default:
      return outcome;
  }
}
