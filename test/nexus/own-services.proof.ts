import { Worker } from '@temporalio/worker';
import { service, serviceHandler } from 'nexus-rpc';
import { expect } from 'vitest';
import { latchkeyService } from '../../src/contracts/latchkey-service.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createLatchkeyPlugin } from '../../src/worker-plugin.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE } from '../support/world.ts';
import { createNexusCaller } from './nexus-caller.ts';

const test = testInWorld({ withoutWorker: true, payloadKeys: 'none' });
const logger = createLogger({ level: 'silent' });

test("a Worker with the plugin offers Latchkey's Nexus service beside its own", async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const caller = await createNexusCaller(world);
  const own = serviceHandler(service('own', latchkeyService.operations), {
    runStep: async () => ({ status: 'skipped', reason: 'by the application' }),
    listTools: async () => ({ servers: [] }),
  });
  const worker = await Worker.create({
    connection: world.temporal.nativeConnection,
    namespace: world.temporal.namespace,
    taskQueue: world.config.taskQueue,
    workflowsPath: new URL('../../src/workflow.ts', import.meta.url).pathname,
    nexusServices: [own],
    plugins: [createLatchkeyPlugin({ environment: world.environment(), logger })],
  });
  const { mcpServerId } = world;
  const input = { userId: user, mcpServerId, tool: 'create_invoice', arguments: INVOICE };

  const answers = await worker.runUntil(async () => [
    await caller.call({ operation: 'runStep', input }),
    await caller.call({ operation: 'runStep', input, service: 'own' }),
  ]);

  expect(answers).toMatchObject([
    { result: { status: 'success', result: { structuredContent: INVOICE } } },
    { result: { status: 'skipped', reason: 'by the application' } },
  ]);
  await caller.stop();
});
