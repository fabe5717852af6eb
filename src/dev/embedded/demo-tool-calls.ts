import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import type { TakenRequest } from './request-interceptions.ts';

/** One real execution of a tool. */
export interface DemoCall {
  tool: string;
  arguments: Record<string, unknown>;
  user: string;
  /** `_meta["latchkey/idempotency-key"]`. */
  idempotencyKey: string | undefined;
  /** Milliseconds since the epoch, when its side effect began. */
  at: number;
  outcome: 'running' | 'completed' | 'failed' | 'cancelled';
}

/** Where in a tool call an interception acts, and what it does. */
export type ToolAction =
  | { do: 'hold-before-execution' }
  /** The side effect has happened, the answer is held back. */
  | { do: 'hold-after-execution' }
  /** The side effect has happened, the connection is cut instead of an answer. */
  | { do: 'drop-after-execution' };

/** The HTTP request that a tool call came with. */
export interface ToolExchange {
  user: string;
  /** The interception that acts on this call, if any; asked once. */
  take(tool: string): TakenRequest<ToolAction> | undefined;
  /** Cuts the connection. */
  drop(): void;
}

export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;

export type RunTool = (
  tool: string,
  args: Record<string, unknown>,
  extra: ToolExtra,
  effect: (user: string) => CallToolResult | Promise<CallToolResult>,
) => Promise<CallToolResult>;

/** Runs tools as their exchange's interceptions want it, and writes every execution down in `calls`. */
export function createRunTool(calls: DemoCall[], currentExchange: () => ToolExchange): RunTool {
  return async (tool, args, extra, effect) => {
    const exchange = currentExchange();
    const taken = exchange.take(tool);
    if (taken?.action.do === 'hold-before-execution') {
      await hold(taken, extra.signal);
      extra.signal.throwIfAborted();
    }
    const result = await execute(startCall(calls, tool, args, exchange.user, extra), extra, effect);
    if (taken?.action.do === 'hold-after-execution') await hold(taken, extra.signal);
    if (taken?.action.do === 'drop-after-execution') {
      exchange.drop();
      taken.arrive();
    }
    return result;
  };
}

function startCall(
  calls: DemoCall[],
  tool: string,
  args: Record<string, unknown>,
  user: string,
  { _meta }: ToolExtra,
): DemoCall {
  const key = _meta?.['latchkey/idempotency-key'];
  const idempotencyKey = typeof key === 'string' ? key : undefined;
  const call: DemoCall = { tool, arguments: args, user, idempotencyKey, at: Date.now(), outcome: 'running' };
  calls.push(call);
  return call;
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

/** Until released, or cancelled by the client. */
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
