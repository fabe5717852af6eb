import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { z } from 'zod';
import { type RequestOutcome, unusableStatus } from '../http/classify-failure.ts';
import { HttpRefusal } from '../http/failures.ts';
import { tokenForSideRequest } from '../http/request-token.ts';
import { createRpcExchange, type RpcExchange } from '../http/rpc-exchange.ts';
import { METHOD_NOT_FOUND } from '../http/rpc-message.ts';
import { MAX_TIMER_MS } from '../http/watch.ts';
import type { McpTarget } from '../port.ts';

/** How long the `ping` may take, ms. */
const PROBE_TIMEOUT_MS = 5_000;
const MAX_PONG_BYTES = 64 * 1024;

export interface SessionProbeDeps {
  exchanges: AsyncLocalStorage<RpcExchange>;
  client: Client;
  isClosed: () => boolean;
}

/** Tells a refused session from a refused request. */
export interface SessionProbe {
  /**
   * Returns `session-lost` instead of `outcome` if the server refuses a `ping` in the same session. One `ping`
   * serves all requests that need to know.
   */
  check(outcome: RequestOutcome, refusal: HttpRefusal, target: McpTarget): Promise<RequestOutcome>;
}

/**
 * Whether a refusal may be about the session: some servers answer 400 or 410 in a session that they do not know, where
 * the specification asks for 404.
 */
export function mayRefuseSession(error: unknown): error is HttpRefusal {
  if (!(error instanceof HttpRefusal)) return false;
  const { status, sessionNamed } = error.facts;
  return sessionNamed && (status === 400 || status === 410);
}

export function createSessionProbe({ exchanges, client, isClosed }: SessionProbeDeps): SessionProbe {
  let probing: Promise<boolean> | undefined;

  async function pingIsRefused(target: McpTarget): Promise<boolean> {
    const token = await tokenForSideRequest(target);
    if (token === undefined || isClosed()) return false;
    const exchange = createRpcExchange({
      token,
      maxAnswerBytes: MAX_PONG_BYTES,
      answerTimeoutMs: PROBE_TIMEOUT_MS,
    });
    const { signal } = exchange.hangUp;
    // Aborts in the exchange: the SDK sends `notifications/cancelled` from its abort listener, and a listener runs in
    // the context of the code that aborts.
    const hangUp = () => exchanges.run(exchange, () => exchange.hangUp.abort());
    const timer = setTimeout(hangUp, PROBE_TIMEOUT_MS);
    try {
      const options = { signal, timeout: MAX_TIMER_MS };
      await exchanges.run(exchange, () => client.request({ method: 'ping' }, z.unknown(), options));
      return false;
    } catch (error) {
      hangUp();
      return refusesPing(error);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async check(outcome, refusal, target) {
      // A tool that gave a result has run.
      if (outcome.kind !== 'failed' && outcome.kind !== 'rpc-error') return outcome;
      probing ??= pingIsRefused(target).finally(() => {
        probing = undefined;
      });
      if (!(await probing)) return outcome;
      if (outcome.kind === 'failed') return { kind: 'session-lost', failure: outcome };
      return { kind: 'session-lost', failure: unusableStatus(refusal.facts), error: outcome };
    },
  };
}

// A server that does not know the method `ping` knows the session.
function refusesPing(error: unknown): boolean {
  if (!(error instanceof HttpRefusal)) return false;
  const { status, error: rpcError } = error.facts;
  return (status === 400 || status === 404 || status === 410) && rpcError?.code !== METHOD_NOT_FOUND;
}
