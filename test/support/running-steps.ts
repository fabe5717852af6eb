import type { Client } from '@temporalio/client';
import { vi } from 'vitest';
import { openStepsOfServer } from '../../src/steps/open-steps-of-server.ts';

/** Resolves once Temporal lists this many running steps of a server: its lists lag by about a second. */
export async function untilRunning(client: Client, mcpServerId: string, count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      let listed = 0;
      const running = { mcpServerId, status: 'running', pageSize: 100 } as const;
      for await (const workflowIds of openStepsOfServer(client, running)) listed += workflowIds.length;
      if (listed !== count) throw new Error(`Temporal lists ${listed} steps`);
    },
    { timeout: 50_000, interval: 100 },
  );
}
