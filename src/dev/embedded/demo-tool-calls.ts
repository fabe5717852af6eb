import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import type { TakenRequest } from './request-interceptions.ts';

/** One execution of a tool. */
export interface DemoCall {
  tool: string;
  arguments: Record<string, unknown>;
  user: string;
  /** `_meta["latchkey/idempotency-key"]`. */
  idempotencyKey: string | undefined;
  /** When its side effect began, in milliseconds since the epoch. */
  at: number;
  outcome: 'running' | 'completed' | 'failed' | 'cancelled';
}

/** What an interception of a tool call does, and when. */
export type ToolAction =
  | { do: 'hold-before-execution' }
  /** Holds the response after the side effect. */
  | { do: 'hold-after-execution' }
  /** Closes the connection after the side effect, without a response. */
  | { do: 'drop-after-execution' };

/** The HTTP request of a tool call. */
export interface ToolExchange {
  user: string;
  /** Takes the interception for this call, if any. Call it once. */
  take(tool: string): TakenRequest<ToolAction> | undefined;
  /** Closes the connection without a response. */
  drop(): void;
}

export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;

export type RunTool = (
  tool: string,
  args: Record<string, unknown>,
  extra: ToolExtra,
  effect: (user: string) => CallToolResult | Promise<CallToolResult>,
) => Promise<CallToolResult>;

/** Returns a function that runs tools, applies their interceptions and records every execution in `calls`. */
export function createRunTool(calls: DemoCall[], currentExchange: () => ToolExchange): RunTool {
  return async (tool, args, extra, effect) => {
    const exchange = currentExchange();
    const taken = exchange.take(tool);
    if (taken?.action.do === 'hold-before-execution') {
      await hold(taken, extra.signal);
      extra.signal.throwIfAborted();
    }
    const call = createCall(tool, args, exchange.user, extra);
    calls.push(call);
    const result = await execute(call, extra, effect);
    if (taken?.action.do === 'hold-after-execution') await hold(taken, extra.signal);
    if (taken?.action.do === 'drop-after-execution') {
      exchange.drop();
      taken.arrive();
    }
    return result;
  };
}

function createCall(
  tool: string,
  args: Record<string, unknown>,
  user: string,
  { _meta }: ToolExtra,
): DemoCall {
  const key = _meta?.['latchkey/idempotency-key'];
  const idempotencyKey = typeof key === 'string' ? key : undefined;
  return { tool, arguments: args, user, idempotencyKey, at: Date.now(), outcome: 'running' };
}

async function execute(
  call: DemoCall,
  { signal }: ToolExtra,
  effect: (user: string) => CallToolResult | Promise<CallToolResult>,
): Promise<CallToolResult> {
  try {
    const result = await effect(call.user);
    call.outcome = result.isError === true ? 'failed' : 'completed';
    return result;
  } catch (error) {
    call.outcome = signal.aborted ? 'cancelled' : 'failed';
    throw error;
  }
}

/** Waits until the interception is released or the client cancels the call. */
async function hold({ arrive, released }: TakenRequest<ToolAction>, signal: AbortSignal): Promise<void> {
  arrive();
  if (signal.aborted) return;
  let stop = () => {};
  const cancelled = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener('abort', stop, { once: true });
  });
  await Promise.race([released, cancelled]);
  signal.removeEventListener('abort', stop);
}
