import { once } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { connectTemporal, type TestTemporal, uniqueTaskQueue } from '../../support/temporal.ts';

/** Node before version 24 does not survive the interruption of promises in a VM. */
const DIES = Number(process.versions.node.split('.')[0]) < 24;

// As docs/troubleshooting.md has them.
const STUCK = 'a workflow keeps its thread busy';
const LEFT_ALONE = 'a workflow is left alone: no worker replays it in time';

let database: TestDatabase;
let temporal: TestTemporal;
const workers: TypescriptProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  // The workflows of these workers know nothing of payloads that are encrypted.
  temporal = await connectTemporal(undefined, 'none');
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.child.exitCode === null && worker.kill()));
  await temporal.close();
  await database.drop();
});

describe.runIf(DIES)('a workflow that takes a worker process with it', { timeout: 360_000 }, () => {
  test.each([
    ['later', 'stuck'],
    ['in its first task', 'stuckAtOnce'],
  ] as const)(
    '%s is left alone by the next one, which says so and goes on with others',
    async (_, workflow) => {
      const { taskQueue, handle, runId } = await takeOneDown('on', workflow);
      const next = await startWorker(taskQueue, 'on');

      const leftAlone = await logged(next, LEFT_ALONE);

      expect(leftAlone).toMatchObject({ level: 'error', workflowId: handle.workflowId, runId });
      await expect(runQuick(taskQueue)).resolves.toBe('done');
      // Its task is tried again: the process is there to see that, too.
      await logged(next, LEFT_ALONE);
      expect(next.child.exitCode ?? next.child.signalCode).toBeNull();
      expect((await handle.describe()).status.name).toBe('RUNNING');
    },
  );

  test('takes the next one, too, without the guard (negative control)', async () => {
    const { taskQueue } = await takeOneDown('off');
    const next = await startWorker(taskQueue, 'off');

    await once(next.child, 'exit');

    expect(next.child.exitCode ?? next.child.signalCode).not.toBe(0);
  });
});

async function takeOneDown(guard: 'on' | 'off', workflow: 'stuck' | 'stuckAtOnce' = 'stuck') {
  const taskQueue = uniqueTaskQueue('stuck');
  const worker = await startWorker(taskQueue, guard);
  const exited = once(worker.child, 'exit');
  const options = { taskQueue, workflowId: taskQueue, args: [], workflowTaskTimeout: '8s' } as const;
  const handle = await temporal.client.workflow.start(workflow, options);
  if (workflow === 'stuck') {
    await untilItWaits(handle);
    await handle.signal('go');
  }
  if (guard === 'on') await logged(worker, STUCK);
  await exited;
  return { taskQueue, handle, runId: handle.firstExecutionRunId };
}

async function untilItWaits(handle: WorkflowHandle): Promise<void> {
  await expect.poll(async () => (await handle.describe()).historyLength, { timeout: 30_000 }).toBe(4);
}

function runQuick(taskQueue: string): Promise<unknown> {
  const options = { taskQueue, workflowId: `${taskQueue}-quick`, args: [] };
  return temporal.client.workflow.execute('quick', options);
}

async function startWorker(taskQueue: string, guard: 'on' | 'off'): Promise<TypescriptProcess> {
  const worker = runTypescriptFile('test/integration/stuck-workflow/worker-process.ts', {
    DATABASE_URL: database.url,
    ADDRESS: temporal.address,
    NAMESPACE: temporal.namespace,
    TASK_QUEUE: taskQueue,
    GUARD: guard,
  });
  workers.push(worker);
  await logged(worker, 'ready');
  return worker;
}

async function logged(worker: TypescriptProcess, message: string): Promise<Record<string, unknown>> {
  for (;;) {
    const line = await worker.nextLine();
    const entry: Record<string, unknown> = line.startsWith('{') ? JSON.parse(line) : {};
    if (entry.msg === message) return entry;
  }
}
