import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { GuardedFetch } from '../../net/network.ts';
import type { Turns } from '../../turns/turns.ts';
import { registeredHeaders } from '../http/authorize-request.ts';
import { classifyFailure, notAnswered } from '../http/classify-failure.ts';
import { HttpRefusal, type RefusalError } from '../http/failures.ts';
import { createRpcExchange, type RpcExchange } from '../http/rpc-exchange.ts';
import { createRpcFetch } from '../http/rpc-fetch.ts';
import { INTERNAL_ERROR } from '../http/rpc-message.ts';
import type { ServerAddresses } from '../http/server-address.ts';
import { createWatch, MAX_TIMER_MS, type Watch } from '../http/watch.ts';
import { protocolError } from '../mcp-failure.ts';
import type { McpFailure, McpTarget, RequestFailure } from '../port.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { Opening } from './connection-pool.ts';
import { answerForms, FILLS_FORMS, type FillForm, FORM_METHOD } from './fill-form.ts';
import { commonVersion, versionMismatch, versionRefusal } from './protocol-versions.ts';
import { createSdkConnection, type SdkConnection, type SdkConnectionDeps } from './sdk-connection.ts';

export interface OpenSdkConnectionDeps extends SdkConnectionDeps {
  guardedFetch: GuardedFetch;
  addresses: ServerAddresses;
  /** The most milliseconds that initializing may take. */
  initializeTimeoutMs: number;
  /** Aborts the openings that are under way. */
  closing: AbortSignal;
  clientVersion: string;
  serverLimits: ServerLimits;
  turns: Turns;
  /** Absent: forms are not announced, and refused. */
  fillForm?: FillForm | undefined;
}

/** Why there is no session, and the token that the server was sent. */
export interface OpeningRefused {
  failure: RequestFailure;
  bearerToken: string | undefined;
}

/** The answer to `initialize` holds instructions, not data, so the limit for a tool's answers does not apply. */
const MAX_INITIALIZE_BYTES = 1024 * 1024;

/**
 * Initializes a session. The token is used for this alone: each later request brings its own.
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
  const client = createClient(deps);
  const timeLimit = createWatch({ ceilingMs: deps.initializeTimeoutMs, signal: deps.closing });
  timeLimit.signal.addEventListener('abort', () => exchange.hangUp.abort());
  try {
    // The SDK's classes disagree under exactOptionalPropertyTypes on `sessionId?: string | undefined`.
    const connecting = () => client.connect(transport as Transport, { timeout: MAX_TIMER_MS });
    await deps.exchanges.run(exchange, connecting);
    return { kind: 'opened', connection: createSdkConnection(deps, transport, client, target) };
  } catch (error) {
    const common = protocolVersion === undefined ? commonVersion(refusedWith(error, exchange)) : undefined;
    if (common !== undefined && !timeLimit.signal.aborted)
      return await openSdkConnection(deps, target, common);
    const failure = classifyOpening(error, exchange, timeLimit, deps);
    return { kind: 'refused', refusal: { failure, bearerToken: target.bearerToken } };
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
      limits: deps.serverLimits,
      turns: deps.turns,
      handledMethods: deps.fillForm === undefined ? [] : [FORM_METHOD],
      // The cast: the SDK checks each message itself, as it does with those that it reads.
      deliver: (message) => transport.onmessage?.(message as JSONRPCMessage),
    }),
  });
  return transport;
}

function createClient({ clientVersion, fillForm }: OpenSdkConnectionDeps): Client {
  const client = new Client(
    { name: 'latchkey', version: clientVersion },
    {
      capabilities: fillForm === undefined ? {} : FILLS_FORMS,
      // The default would create an Ajv instance for each connection, which nothing uses.
      jsonSchemaValidator: { getValidator: () => () => neverValidates() },
    },
  );
  if (fillForm !== undefined) answerForms(client, fillForm);
  return client;
}

function neverValidates(): never {
  throw new Error('output schemas are not compiled here');
}

/** The tool was not called yet, so whatever was sent is safe to repeat. */
function classifyOpening(
  error: unknown,
  exchange: RpcExchange,
  timeLimit: Watch,
  { clock }: OpenSdkConnectionDeps,
): RequestFailure {
  if (exchange.tokenWasDue) return { kind: 'token-stale' };
  if (timeLimit.signal.aborted) return notAnswered(timeLimit.cause(), false);
  const disagreement = versionDisagreement(error, exchange);
  if (disagreement !== undefined) return disagreement;
  const failure = classifyFailure(error, clock());
  if (failure?.kind === 'lost') return notAnswered(failure.cause, false);
  if (failure?.kind === 'session-lost') return notAnswered('unavailable', false);
  if (failure !== undefined) return failure;
  if (!exchange.answered) throw error;
  // The JSON-RPC counterpart of HTTP 500.
  if (error instanceof McpError && error.code === INTERNAL_ERROR) return notAnswered('server-error', false);
  return protocolError(
    'The MCP server and Latchkey could not agree on a session.',
    describeInvalidSession(error),
  );
}

function versionDisagreement(error: unknown, exchange: RpcExchange): McpFailure | undefined {
  const refusal = refusedWith(error, exchange);
  return refusal === undefined ? versionMismatch(exchange.answer) : versionRefusal(refusal);
}

/** The JSON-RPC error that `initialize` was answered with, under any HTTP status. */
function refusedWith(error: unknown, { answered }: RpcExchange): RefusalError | undefined {
  if (error instanceof HttpRefusal) return answered ? undefined : error.facts.error;
  return answered && error instanceof McpError ? error : undefined;
}

function describeInvalidSession(error: unknown): string {
  return error instanceof McpError
    ? `initialize was answered with JSON-RPC error ${error.code}`
    : 'the answer to initialize is not valid';
}
