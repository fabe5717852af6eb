import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { GuardedFetch } from '../../net/network.ts';
import type { Turns } from '../../turns/turns.ts';
import { classifyFailure, protocolError, type Verdict } from '../http/classify-failure.ts';
import type { RefusalError } from '../http/failures.ts';
import { HttpRefusal } from '../http/failures.ts';
import { createRpcExchange, type RpcExchange } from '../http/rpc-exchange.ts';
import { createRpcFetch, registeredHeaders } from '../http/rpc-fetch.ts';
import type { ServerAddresses } from '../http/server-address.ts';
import { createWatch, LONGEST_TIMER_MS, type Watch } from '../http/watch.ts';
import type { McpFailure, McpTarget } from '../port.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { Opening } from './connection-pool.ts';
import { commonVersion, versionMismatch, versionRefusal } from './protocol-versions.ts';
import { createSdkConnection, type SdkConnection, type SdkConnectionDeps } from './sdk-connection.ts';

export interface OpenSdkConnectionDeps extends SdkConnectionDeps {
  guardedFetch: GuardedFetch;
  addresses: ServerAddresses;
  /** Milliseconds for initializing, at most. */
  initializeTimeoutMs: number;
  /** Ends openings that are under way. */
  closing: AbortSignal;
  clientVersion: string;
  serverLimits: ServerLimits;
  turns: Turns;
}

/** Why there is no session, and whose token the server was shown. */
export interface OpeningRefused {
  verdict: Verdict;
  bearerToken: string | undefined;
}

/** An `initialize` answer holds instructions, not data: what an admin allows for a tool's answers is no measure. */
const MAX_INITIALIZE_BYTES = 1024 * 1024;
const INTERNAL_ERROR = -32603;

/**
 * Initializes a session. The token counts for this alone: each later request brings its own.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization
 */
export async function openSdkConnection(
  deps: OpenSdkConnectionDeps,
  target: McpTarget,
  protocolVersion?: string,
): Promise<Opening<SdkConnection, OpeningRefused>> {
  const exchange = createRpcExchange({
    token: target,
    maxAnswerBytes: MAX_INITIALIZE_BYTES,
    answerTimeoutMs: deps.initializeTimeoutMs,
    ...(protocolVersion !== undefined && { protocolVersion }),
  });
  const transport = createTransport(deps, target);
  const client = createClient(deps.clientVersion);
  const timeLimit = createWatch({ ceilingMs: deps.initializeTimeoutMs, signal: deps.closing });
  timeLimit.signal.addEventListener('abort', () => exchange.hangUp.abort());
  try {
    // The SDK's classes disagree under exactOptionalPropertyTypes on `sessionId?: string | undefined`.
    const connecting = () => client.connect(transport as Transport, { timeout: LONGEST_TIMER_MS });
    await deps.exchanges.run(exchange, connecting);
    return { kind: 'opened', connection: createSdkConnection(deps, transport, client, target) };
  } catch (error) {
    const common = protocolVersion === undefined ? commonVersion(refusedWith(error, exchange)) : undefined;
    if (common !== undefined && !timeLimit.signal.aborted)
      return await openSdkConnection(deps, target, common);
    const verdict = judgeOpening(error, exchange, timeLimit, deps);
    return { kind: 'refused', refusal: { verdict, bearerToken: target.bearerToken } };
  } finally {
    timeLimit.stop();
  }
}

function createTransport(deps: OpenSdkConnectionDeps, target: McpTarget): StreamableHTTPClientTransport {
  const transport: StreamableHTTPClientTransport = new StreamableHTTPClientTransport(new URL(target.url), {
    fetch: createRpcFetch({
      guardedFetch: deps.guardedFetch,
      address: deps.addresses(target),
      current: () => deps.exchanges.getStore(),
      headers: registeredHeaders(target.headers),
      // The SDK checks what it is given here, as it does with what it reads itself.
      limits: deps.serverLimits,
      turns: deps.turns,
      deliver: (message) => transport.onmessage?.(message as JSONRPCMessage),
    }),
  });
  return transport;
}

function createClient(version: string): Client {
  return new Client(
    { name: 'latchkey', version },
    // The default compiles with Ajv, costs an instance a connection, and would never be asked.
    { capabilities: {}, jsonSchemaValidator: { getValidator: () => () => neverAsked() } },
  );
}

function neverAsked(): never {
  throw new Error('output schemas are not compiled here');
}

/** The tool was not called yet, so nothing that was sent needs to be feared. */
function judgeOpening(
  error: unknown,
  exchange: RpcExchange,
  timeLimit: Watch,
  { clock }: OpenSdkConnectionDeps,
): Verdict {
  if (exchange.tokenWasDue) return { kind: 'token-due' };
  if (timeLimit.signal.aborted) return { kind: 'unanswered', cause: timeLimit.cause(), sent: false };
  const disagreement = versionDisagreement(error, exchange);
  if (disagreement !== undefined) return disagreement;
  const verdict = classifyFailure(error, clock());
  if (verdict?.kind === 'unanswered') return { ...verdict, sent: false };
  if (verdict !== undefined) return verdict;
  if (!exchange.answered) throw error;
  // JSON-RPC's own 500.
  if (error instanceof McpError && error.code === INTERNAL_ERROR) {
    return { kind: 'unanswered', cause: 'server-error', sent: false };
  }
  return protocolError('The MCP server and Latchkey could not agree on a session.', whyNoSession(error));
}

function versionDisagreement(error: unknown, exchange: RpcExchange): McpFailure | undefined {
  const refusal = refusedWith(error, exchange);
  return refusal === undefined ? versionMismatch(exchange.answer) : versionRefusal(refusal);
}

/** The JSON-RPC error that `initialize` was answered with, by whatever HTTP status. */
function refusedWith(error: unknown, { answered }: RpcExchange): RefusalError | undefined {
  if (error instanceof HttpRefusal) return answered ? undefined : error.facts.error;
  return answered && error instanceof McpError ? error : undefined;
}

function whyNoSession(error: unknown): string {
  return error instanceof McpError
    ? `initialize was answered with JSON-RPC error ${error.code}`
    : 'the answer to initialize is not valid';
}
