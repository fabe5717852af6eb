import { once } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../../src/db/pool.ts';
import { isQuarantined } from '../../../src/temporal/stuck-run-store.ts';
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

describe.runIf(DIES)('a workflow that crashes its worker process', { timeout: 360_000 }, () => {
  test('is left alone by the next worker, which says so and runs other workflows', async () => {
    const { taskQueue, handle, runId } = await takeOneDown('on');
    const next = await startWorker(taskQueue, 'on');

    const leftAlone = await logged(next, LEFT_ALONE);

    expect(leftAlone).toMatchObject({ level: 'error', workflowId: handle.workflowId, runId });
    await expect(runQuick(taskQueue)).resolves.toBe('done');
    // Its task is tried again: the process is there to see that, too.
    await logged(next, LEFT_ALONE);
    expect(next.child.exitCode ?? next.child.signalCode).toBeNull();
    expect((await handle.describe()).status.name).toBe('RUNNING');
  });

  test('crashes the next worker too without the guard (negative control)', async () => {
    const { taskQueue } = await takeOneDown('off');
    const next = await startWorker(taskQueue, 'off');

    await once(next.child, 'exit');

    expect(next.child.exitCode ?? next.child.signalCode).not.toBe(0);
  });
});

// Node survives the interruption of a first task more often than not: the worker is killed instead.
test('a workflow that is stuck in its first task is left alone by the next worker', {
  timeout: 360_000,
}, async () => {
  const taskQueue = uniqueTaskQueue('stuck');
  const worker = await startWorker(taskQueue, 'on');
  const options = { taskQueue, workflowId: taskQueue, args: [] };
  const handle = await temporal.client.workflow.start('stuckAtOnce', options);
  await logged(worker, STUCK);
  await writtenDown(handle.firstExecutionRunId);
  await worker.kill();

  const next = await startWorker(taskQueue, 'on');

  const leftAlone = await logged(next, LEFT_ALONE);
  expect(leftAlone).toMatchObject({ workflowId: taskQueue, runId: handle.firstExecutionRunId });
  await expect(runQuick(taskQueue)).resolves.toBe('done');
});

async function writtenDown(runId: string): Promise<void> {
  const pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => {} });
  try {
    await expect.poll(() => isQuarantined(pool, runId), { timeout: 30_000 }).toBe(true);
  } finally {
    await pool.end();
  }
}

async function takeOneDown(guard: 'on' | 'off') {
  const taskQueue = uniqueTaskQueue('stuck');
  const worker = await startWorker(taskQueue, guard);
  const exited = once(worker.child, 'exit');
  const options = { taskQueue, workflowId: taskQueue, args: [], workflowTaskTimeout: '8s' } as const;
  const handle = await temporal.client.workflow.start('stuck', options);
  await untilItWaits(handle);
  await handle.signal('go');
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
