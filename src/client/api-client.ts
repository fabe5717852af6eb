import type { PreflightCall, PreflightResult } from '../contracts/preflight.ts';
import type { StepView, ToolResult } from '../contracts/step.ts';
import type { ToolsOfServer } from '../contracts/tools-of-server.ts';
import { type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** The methods that need Latchkey's HTTP API. They are about the user that `token` or `user` names. */
export interface LatchkeyApi {
  /**
   * Lists the servers' tools in parallel, for at most 15 s each. One server's failure never hides another's tools.
   * Default: every server.
   */
  listTools(mcpServerIds?: readonly string[]): Promise<ToolsOfServer[]>;
  /**
   * Says whether the user may call these tools now, else why not, and where to connect. Calls no tool. 1–50 calls; each
   * server and account is asked once, for at most 15 s.
   */
  preflight(calls: readonly PreflightCall[]): Promise<PreflightResult>;
  /** Returns a step's whole result, even if Temporal holds only a reference. Undefined if it has no result. */
  fullResult(stepId: string): Promise<ToolResult | undefined>;
}

export function createLatchkeyApi(options: LatchkeyApiOptions): LatchkeyApi {
  const get = (path: string) => requestApi(options, { method: 'GET', path });
  return {
    async listTools(mcpServerIds) {
      if (mcpServerIds?.length === 0) return [];
      const query = new URLSearchParams(
        (mcpServerIds ?? []).map((id): [string, string] => ['mcpServerId', id]),
      );
      // The cast trusts the contract of our own API; so do the next ones.
      const { servers } = (await get(`/mcp-tools?${query}`)) as { servers: ToolsOfServer[] };
      return servers;
    },
    async preflight(calls) {
      const request = { method: 'POST', path: '/preflight', body: { calls } } as const;
      return (await requestApi(options, request)) as PreflightResult;
    },
    async fullResult(stepId) {
      const step = (await get(`/steps/${encodeURIComponent(stepId)}`)) as StepView;
      return step.result;
    },
  };
}
