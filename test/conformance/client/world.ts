import type { McpPort } from '../../../src/mcp/port.ts';
import { createMcpSdkAdapter } from '../../../src/mcp/sdk/sdk-adapter.ts';
import { createGuardedFetch } from '../../../src/net/guarded-fetch.ts';
import type { GuardedFetch } from '../../../src/net/network.ts';
import { readScenario, type Scenario } from './scenario.ts';

/** What the client program works with: the parts that a Latchkey process is composed of, without its database. */
export interface World {
  scenario: Scenario;
  guardedFetch: GuardedFetch;
  mcp: McpPort;
  close(): Promise<void>;
}

export function createWorld(): World {
  const guarded = createGuardedFetch({ policy: 'development' });
  const mcp = createMcpSdkAdapter({
    guardedFetch: guarded.fetch,
    // The suite requires a client that accepts forms with the defaults of their fields. See `fillForm`.
    fillForm: async () => ({ action: 'accept', content: {} }),
  });
  return {
    scenario: readScenario(),
    guardedFetch: guarded.fetch,
    mcp,
    async close() {
      await mcp.close();
      await guarded.close(0);
    },
  };
}
