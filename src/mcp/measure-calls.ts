import type { Metrics } from '../telemetry/metrics/metrics.ts';
import type { CallToolOutcome, McpPort } from './port.ts';

/** Counts calls and measures how long they take. Lists are not calls. */
export function measureCalls(mcp: McpPort, { called }: Pick<Metrics, 'called'>): McpPort {
  return {
    async callTool(target, call) {
      const startedAt = performance.now();
      const outcome = await mcp.callTool(target, call);
      const seconds = (performance.now() - startedAt) / 1000;
      called(target.mcpServerId, wordFor(outcome), wasSent(outcome) ? seconds : undefined);
      return outcome;
    },
    listTools: (target, options) => mcp.listTools(target, options),
    close: () => mcp.close(),
  };
}

/** The outcome's label. docs/metrics.md lists its values. */
export function wordFor(outcome: CallToolOutcome): string {
  switch (outcome.kind) {
    case 'completed':
      return outcome.isError ? 'tool-error' : 'success';
    case 'failed':
      return outcome.code;
    case 'not-sent':
    case 'lost':
    case 'token-stale':
    case 'unauthorized':
    case 'insufficient-scope':
      return outcome.kind;
    default:
      return outcome satisfies never;
  }
}

function wasSent({ kind }: CallToolOutcome): boolean {
  return kind !== 'not-sent' && kind !== 'token-stale';
}
