import type { McpTarget, ToolCall } from '../../src/mcp/port.ts';

export function targetOf(url: string, changes: Partial<McpTarget> = {}): McpTarget {
  return {
    mcpServerId: 'srv',
    userId: 'ada',
    registrationVersion: 1,
    url,
    headers: {},
    maxResultBytes: 1024 * 1024,
    ...changes,
  };
}

export function callOf(changes: Partial<ToolCall> = {}): ToolCall {
  return {
    tool: 'echo',
    arguments: {},
    idempotencyKey: 'key-1',
    inactivityTimeoutMs: 10_000,
    ceilingMs: 20_000,
    signal: new AbortController().signal,
    ...changes,
  };
}
