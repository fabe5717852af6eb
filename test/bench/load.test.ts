import { expect, test } from 'vitest';
import { runLoad } from '../../bench/load.ts';
import { runPhase } from '../../bench/phases/phase.ts';
import { QUICK } from '../../bench/plan.ts';
import type { WorkerProcess } from '../../bench/worker-process.ts';
import type { World } from '../../bench/world.ts';

test('runs each once, and never more at once than asked', async () => {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  const run = await runLoad({ count: 20, concurrency: 4 }, async (index) => {
    seen.push(index);
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
  });

  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(most).toBe(4);
  expect(run.latenciesMs).toHaveLength(20);
});

test('fails with the first failure, after which nothing starts', async () => {
  const started: number[] = [];
  const load = runLoad({ count: 100, concurrency: 2 }, async (index) => {
    started.push(index);
    await new Promise(setImmediate);
    if (index === 3) throw new Error('the fourth failed');
  });

  await expect(load).rejects.toThrow('the fourth failed');
  await new Promise(setImmediate);
  expect(started.length).toBeLessThan(10);
});

// A phase of these tests uses neither a world nor what it would be told.
const GIVEN = { world: {} as World, plan: QUICK, mode: 'quick', say: () => {} } as const;

test('a phase that fails is named, and its workers are stopped', async () => {
  const stopped: number[] = [];
  const worker = (pid: number): WorkerProcess => ({
    pid,
    cpuMs: async () => 0,
    memory: async () => ({ rss: 0, heap: 0 }),
    stop: async () => void stopped.push(pid),
  });
  const phase = {
    name: 'speed',
    limitMinutes: { quick: 1, full: 1 },
    async run({ keep }: { keep(one: WorkerProcess): WorkerProcess }): Promise<never> {
      keep(worker(1));
      keep(worker(2));
      throw new Error('no server');
    },
  };

  await expect(runPhase(phase, GIVEN)).rejects.toThrow('phase speed failed: no server');
  expect(stopped).toEqual([1, 2]);
});

test('a phase that takes too long has failed', async () => {
  const phase = {
    name: 'resume',
    limitMinutes: { quick: 0.0001, full: 1 },
    run: () => new Promise<never>(() => {}),
  };

  await expect(runPhase(phase, GIVEN)).rejects.toThrow(/phase resume failed: not done after/);
});
