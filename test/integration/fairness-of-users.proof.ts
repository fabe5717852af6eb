import { describe, expect, onTestFinished, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { rpcResult } from '../support/scripted-mcp-server.ts';
import { createScriptedServers } from '../support/scripted-servers.ts';
import { createWorld, type World } from '../support/world.ts';

// A minute or two with `LATCHKEY_TEST_LONG=on`: the figures of docs/performance.md.
const MANY = process.env.LATCHKEY_TEST_LONG === 'on' ? 1_000 : 200;
const FEW = 10;
const SLOTS = 10;

describe(`of one user's ${MANY} waiting steps and another's ${FEW} that were started after them`, () => {
  test('the few end first if the server has fairness on', async () => {
    const { callsBefore } = await play({ 'matching.enableFairness': true });
    expect(callsBefore).toBeLessThan(0.75 * MANY);
  }, 600_000);

  test('the few end last if it is off, as it comes (negative control)', async () => {
    const { callsBefore } = await play({ 'matching.enableFairness': false });
    expect(callsBefore).toBeGreaterThan(0.75 * MANY);
  }, 600_000);
});

/** All steps wait before the worker starts. Returns how many of the many calls were made before the few had ended. */
async function play(dynamicConfig: Record<string, boolean>): Promise<{ callsBefore: number }> {
  const world = await ownWorld(dynamicConfig);
  const scripted = createScriptedServers(world);
  onTestFinished(() => scripted.closeAll());
  const { server, mcpServerId } = await scripted.register();
  server.on('tools/call', rpcResult({ content: [{ type: 'text', text: 'ok' }] }));
  // Read-only, because on a busy machine a task can get lost on its way to the worker, and its step would ask its user.
  const start = (userId: string) =>
    world.steps.start(userId, { mcpServerId, tool: 'echo', sideEffects: 'read-only' });
  const many = await inTurn(MANY, () => start('ada'));
  const few = await inTurn(FEW, () => start('bob'));
  const begun = performance.now();
  await world.startWorker();
  await Promise.all(few.map(world.steps.result));
  const fewMs = performance.now() - begun;
  const callsBefore = server.count('tools/call') - FEW;
  await Promise.all(many.map(world.steps.result));
  const manyMs = performance.now() - begun;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  console.info(
    `${JSON.stringify(dynamicConfig)}: the ${FEW} ended after ${seconds(fewMs)} s and ${callsBefore} of the others' calls, the ${MANY} after ${seconds(manyMs)} s`,
  );
  return { callsBefore };
}

/** A world on a dev server of its own. One user may take all slots, so that only the server's queues decide. */
async function ownWorld(dynamicConfig: Record<string, boolean>): Promise<World> {
  const temporal = await startOwnTemporal(dynamicConfig);
  const world = await createWorld({ temporal, withoutWorker: true });
  onTestFinished(() => world.stop());
  Object.assign(world.config, {
    maxConcurrentActivities: SLOTS,
    maxCallsPerUser: SLOTS,
    maxCallsPerServer: SLOTS,
  });
  return world;
}

async function inTurn(count: number, start: () => Promise<StepView>): Promise<StepView[]> {
  const steps: StepView[] = [];
  while (steps.length < count) {
    const batch = Math.min(20, count - steps.length);
    steps.push(...(await Promise.all(Array.from({ length: batch }, start))));
  }
  return steps;
}
