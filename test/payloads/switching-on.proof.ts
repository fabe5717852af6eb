import { randomBytes } from 'node:crypto';
import { afterAll, expect } from 'vitest';
import { startWorkerProcess, type WorkerProcess } from '../integration/processes/start-worker-process.ts';
import { testInWorld } from '../support/fixtures.ts';

const STEPS = 6;

const test = testInWorld({ payloadKeys: [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }] });
let lacking: WorkerProcess;

// As in the middle of switching it on: one worker has been restarted with the keys, the other has not.
test.beforeAll(async ({ world }) => {
  lacking = await startWorkerProcess({ ...world.environment(), PAYLOAD_KEYS: '' });
});

afterAll(async () => {
  await lacking.kill();
});

test('steps end while a worker without the keys also runs, and each tool runs once', {
  timeout: 180_000,
}, async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);

  const steps = await Promise.all(Array.from({ length: STEPS }, () => world.steps.start(user)));
  const results = await Promise.all(steps.map((step) => world.steps.result(step)));

  expect(results.map(({ status }) => status)).toEqual(Array(STEPS).fill('success'));
  expect(world.mcpServer.calls({ tool: 'create_invoice', user })).toHaveLength(STEPS);
});
