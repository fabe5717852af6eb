import { onTestFinished } from 'vitest';
import type { McpPort } from '../../src/mcp/port.ts';
import { createMcpSdkAdapter, type McpSdkAdapterDeps } from '../../src/mcp/sdk/sdk-adapter.ts';
import type { EgressProxy } from '../../src/net/egress-proxy.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { type ScriptedMcpServer, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { type OfficialMcpServer, startOfficialMcpServer } from './official-mcp-server.ts';

/** An adapter on the real network guard, closed when the test is over. */
export function testAdapter(
  changes: Omit<McpSdkAdapterDeps, 'guardedFetch'> = {},
  egressProxy?: EgressProxy,
): McpPort {
  const guarded = createGuardedFetch({ policy: 'development', egressProxy });
  const adapter = createMcpSdkAdapter({ guardedFetch: guarded.fetch, ...changes });
  onTestFinished(async () => {
    await adapter.close();
    await guarded.close(0);
  });
  return adapter;
}

export async function scriptedServer(): Promise<ScriptedMcpServer> {
  const server = await startScriptedMcpServer();
  onTestFinished(() => server.close());
  return server;
}

export async function officialServer(
  ...options: Parameters<typeof startOfficialMcpServer>
): Promise<OfficialMcpServer> {
  const server = await startOfficialMcpServer(...options);
  onTestFinished(() => server.close());
  return server;
}
