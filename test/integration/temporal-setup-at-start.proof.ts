import { expect, onTestFinished } from 'vitest';
import { findSetupProblems } from '../../src/temporal/check-setup.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { startServerProcess } from './processes/start-server-process.ts';
import { startWorkerProcess } from './processes/start-worker-process.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace([]), withoutWorker: true }));

test.for([
  ['worker', startWorkerProcess],
  ['server', startServerProcess],
] as const)('a %s says at its start what migrate has not set up, and runs', async ([_, start], { world }) => {
  const problems = await findSetupProblems({ ...world.temporal, taskQueue: world.config.taskQueue });
  expect(problems).toHaveLength(3);
  const started = await start(world.environment());
  onTestFinished(() => started.kill());

  const missing = new Set(problems.map(({ message }) => message));
  while (missing.size > 0) missing.delete(JSON.parse(await started.nextLine()).msg);
});
