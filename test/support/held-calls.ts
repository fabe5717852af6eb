import type { ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { rpcResult, type ScriptedMcpServer, type SeenRequest } from './scripted-mcp-server.ts';

const ANSWER = rpcResult({ content: [{ type: 'text', text: 'ok' }] });

export interface HeldCalls {
  /** Calls that wait for their answer now. */
  count(): number;
  /** The most calls that ever waited together. */
  most(): number;
  /** Answers all of them, and every later call at once. */
  letGo(): void;
}

/** Lets a scripted server hold the answers to its calls until it is told to let go. */
export function holdCalls(server: ScriptedMcpServer): HeldCalls {
  const holding = new Map<ServerResponse, SeenRequest>();
  let open = false;
  let most = 0;
  server.on('tools/call', (response, request) => {
    if (open) return ANSWER(response, request);
    holding.set(response, request);
    most = Math.max(most, holding.size);
    // The caller has died.
    response.once('close', () => holding.delete(response));
  });
  const letGo = () => {
    open = true;
    for (const [response, request] of holding) ANSWER(response, request);
    holding.clear();
  };
  onTestFinished(letGo);
  return { count: () => holding.size, most: () => most, letGo };
}
