import type { GuardedFetch } from '../net/network.ts';
import { inSpan, type Tracing } from '../telemetry/traces/tracing.ts';
import { wordFor } from './measure-calls.ts';
import type { CallToolOutcome, McpPort } from './port.ts';

/** Makes a span of each call. Its context is sent to the MCP server: see `sendContext`. */
export function traceCalls(mcp: McpPort, tracing: Tracing | undefined): McpPort {
  if (tracing === undefined) return mcp;
  return {
    callTool(target, call) {
      const attributes = { 'latchkey.server': target.mcpServerId, 'latchkey.tool': call.tool };
      return inSpan<CallToolOutcome>(
        tracing,
        { name: 'tools/call', kind: 'client', attributes },
        async (span) => {
          const outcome = await mcp.callTool(target, call);
          span.set({ 'latchkey.outcome': wordFor(outcome) });
          return outcome;
        },
      );
    },
    listTools(target, options) {
      const attributes = { 'latchkey.server': target.mcpServerId };
      return inSpan(tracing, { name: 'tools/list', kind: 'client', attributes }, async (span) => {
        const outcome = await mcp.listTools(target, options);
        span.set({ 'latchkey.outcome': outcome.kind });
        return outcome;
      });
    },
    close: () => mcp.close(),
  };
}

/**
 * Sends the context of the trace with each request, as `traceparent` and `tracestate`. For requests to MCP servers
 * alone: an authorization server need not know which steps belong together.
 *
 * @see https://www.w3.org/TR/trace-context/
 */
export function sendContext(fetch: GuardedFetch, tracing: Tracing | undefined): GuardedFetch {
  if (tracing === undefined) return fetch;
  return (url, init) => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(tracing.current())) headers.set(name, value);
    return fetch(url, { ...init, headers });
  };
}
