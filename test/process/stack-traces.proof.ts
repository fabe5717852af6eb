import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished } from 'vitest';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const KEYS = [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }];
const WITH_STACK_TRACES = { WORKER_STACK_TRACES: 'on' };

const test = testInWorld({ withoutWorker: true, payloadKeys: 'none' });
const encryptingTest = testInWorld({ withoutWorker: true, payloadKeys: KEYS });

describe('latchkey worker has no stack traces', () => {
  test('of a paused step', async ({ world }) => {
    await startWorker(world);

    expect(await stackTracesOfPausedStep(world)).toBe('Error\n');
  });
});

describe('latchkey worker with WORKER_STACK_TRACES=on has stack traces', () => {
  test('of a paused step', async ({ world }) => {
    await startWorker(world, WITH_STACK_TRACES);

    expect(await stackTracesOfPausedStep(world)).toMatch(/^ +at .*workflows\/step\/pauses/m);
  });

  encryptingTest('of a paused step whose payloads are encrypted', async ({ world }) => {
    await startWorker(world, WITH_STACK_TRACES);

    expect(await stackTracesOfPausedStep(world)).toMatch(/^ +at .*workflows\/step\/pauses/m);
  });
});

async function startWorker(world: World, environment: Record<string, string> = {}): Promise<void> {
  const worker = await startWorkerProcess({ ...world.environment(), ...environment });
  onTestFinished(() => worker.kill());
}

/** @returns the answer to the query that Temporal's CLI and web UI send */
async function stackTracesOfPausedStep({ users, steps, temporal }: World): Promise<unknown> {
  const user = users.newUser();
  const { stepId, workflowId } = await steps.start(user);
  await steps.until(user, stepId, 'awaiting-input');
  return temporal.client.workflow.getHandle(workflowId).query('__stack_trace');
}
