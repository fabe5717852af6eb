import pg from 'pg';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { createWorld, REPEATED_IF_LOST, type World } from '../support/world.ts';

const LIMIT_MS = 120_000;

describe('a worker process', { timeout: LIMIT_MS }, () => {
  test('killed half-way through signalling: every waiter resumes in the end, and no tool runs twice', async (context) => {
    const world = await workerlessWorld(context);
    const user = world.users.newUser();
    const steps = await startPaused(world, user, 60);
    await world.users.connect(user);
    // Batches of 25: the first is signalled and removed, the second is signalled only, the third is untouched.
    const removal = await obstructRemoval(world, user, 30);
    const doomed = await workerProcess(context, world, {
      // One activity at a time: it calls no tool while it signals.
      WORKER_MAX_CONCURRENT_ACTIVITIES: '1',
    });

    await removal.reached();
    await doomed.kill('SIGKILL');
    await removal.abort();
    expect(await world.steps.waiting(user)).toHaveLength(35);
    await world.startWorker();

    const results = await Promise.all(steps.map(world.steps.result));
    const keys = world.mcpServer.calls({ user }).map((call) => call.idempotencyKey);
    expect(results.filter(({ status }) => status === 'success')).toHaveLength(60);
    expect(keys).toHaveLength(60);
    expect(new Set(keys).size).toBe(60);
    expect(await world.steps.waiting(user)).toEqual([]);
  });
});

async function workerlessWorld({ onTestFinished }: TestContext): Promise<World> {
  const world = await createWorld({ withoutWorker: true });
  onTestFinished(() => world.stop());
  return world;
}

async function workerProcess({ onTestFinished }: TestContext, world: World, environment = {}) {
  const worker = await startWorkerProcess({ ...world.environment(), ...environment });
  onTestFinished(() => worker.kill());
  return worker;
}

/** That many steps of one user, paused by a worker that is gone then. */
async function startPaused(world: World, user: string, count: number): Promise<StepView[]> {
  const worker = await world.startWorker();
  const steps = await Promise.all(
    Array.from({ length: count }, () => world.steps.start(user, REPEATED_IF_LOST)),
  );
  await vi.waitFor(async () => expect(await world.steps.waiting(user)).toHaveLength(count), {
    timeout: 60_000,
  });
  await worker.stop();
  return steps;
}

/** Keeps the waiter at that place in the order of signalling (from 0) from being removed. */
async function obstructRemoval(world: World, user: string, place: number) {
  const { db } = world.services;
  const obstacle = new pg.Client({ connectionString: world.database.url });
  await obstacle.connect();
  await obstacle.query('BEGIN');
  await obstacle.query(
    `SELECT FROM mcp_step_waiter WHERE workflow_id =
       (SELECT workflow_id FROM mcp_step_waiter WHERE user_id = $1 ORDER BY workflow_id OFFSET $2 LIMIT 1)
     FOR UPDATE`,
    [user, place],
  );
  const removals = `FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'WITH%DELETE FROM mcp_step_waiter%'`;
  const expectRemoval = async () => expect((await db.query(`SELECT ${removals}`)).rowCount).toBe(1);
  return {
    reached: () => vi.waitFor(expectRemoval, { timeout: 20_000 }),
    /** Ends the removal, which would outlive the process that asked for it. */
    async abort() {
      await db.query(`SELECT pg_terminate_backend(pid, 5000) ${removals}`);
      await obstacle.end();
    },
  };
}
