import { expect, onTestFinished, vi } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { holdCalls } from '../support/held-calls.ts';
import type { World } from '../support/world.ts';
import { startWorkerProcess, type WorkerProcess } from './processes/start-worker-process.ts';

const LIMIT = 3;
const STEPS = 12;
/** A dead worker's places expire after 30 s; its steps are tried again after a heartbeat timeout of 30 s. */
const WAIT = { timeout: 90_000, interval: 200 };

const test = testInWorld({ withoutWorker: true });

test('two worker processes keep the limit together, and a killed one’s places become free', async ({
  world,
  scripted,
}) => {
  const { server, mcpServerId } = await scripted.register({ maxConcurrentCalls: LIMIT });
  const held = holdCalls(server);
  const first = await startWorker(world);
  // It alone, so that it holds all places.
  const steps = await Promise.all(
    Array.from({ length: STEPS }, (_, n) =>
      world.steps.start(`user-${n}`, { mcpServerId, tool: 'echo', sideEffects: 'read-only' }),
    ),
  );
  await vi.waitFor(() => expect(held.count()).toBe(LIMIT), WAIT);
  const second = await startWorker(world);

  await first.kill('SIGKILL');
  await vi.waitFor(() => expect(held.count()).toBe(0), WAIT);
  await vi.waitFor(() => expect(held.count()).toBe(LIMIT), WAIT);

  expect(held.most()).toBe(LIMIT);
  held.letGo();
  const results = await Promise.all(steps.map(world.steps.result));
  expect(results.map(({ status }) => status)).toEqual(Array(STEPS).fill('success'));
  await second.kill('SIGTERM');
  const { rows } = await world.services.pool.query('SELECT FROM mcp_call_place WHERE held_until > now()');
  expect(rows).toEqual([]);
}, 240_000);

async function startWorker(world: World): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(world.environment());
  onTestFinished(() => worker.kill());
  return worker;
}
