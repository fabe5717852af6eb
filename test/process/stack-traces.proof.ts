import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { startTestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';

const KEYS = [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }];

const test = testInWorld({ withoutWorker: true, payloadKeys: 'none' });
const encryptingTest = testInWorld({ withoutWorker: true, payloadKeys: KEYS });

describe('a paused step', () => {
  test('has no stack traces by default', async ({ world }) => {
    expect(await stackTracesOfPausedStep(world, false)).not.toMatch(/\bat /);
  });

  test('has stack traces with the setting for it', async ({ world }) => {
    expect(await stackTracesOfPausedStep(world, true)).toContain('src/workflows/step/pauses.ts');
  });

  encryptingTest('has stack traces with the setting for it and encrypted payloads', async ({ world }) => {
    expect(await stackTracesOfPausedStep(world, true)).toContain('src/workflows/step/pauses.ts');
  });
});

/** @returns the answer to the query that Temporal's CLI and web UI send */
async function stackTracesOfPausedStep(world: World, stackTraces: boolean): Promise<unknown> {
  const worker = await startTestWorker({ ...world.config, stackTraces }, world.temporal, world.services);
  const user = world.users.newUser();
  const { stepId, workflowId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'awaiting-input');
  const answer = await world.temporal.client.workflow.getHandle(workflowId).query('__stack_trace');
  await worker.stop();
  return answer;
}
