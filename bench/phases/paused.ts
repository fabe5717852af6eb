import { stat } from 'node:fs/promises';
import type { Pool } from '../../src/db/pool.ts';
import { pausedSteps } from '../paused.ts';
import type { Figures } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Phase } from './phase.ts';

const USERS = 100;
const MIB = 2 ** 20;

type Sample = Figures['pausedCurve'][number];

/** What paused steps cost a worker whose cache holds few of them, Latchkey's tables, and the Temporal dev server. */
export const paused: Phase = {
  name: 'paused',
  limitMinutes: { quick: 10, full: 30 },
  async run({ world, plan, keep, say }) {
    const { samples, maxCachedWorkflows } = plan.paused;
    const worker = keep(await world.startStepWorker({ maxCachedWorkflows }));
    const waiting = pausedSteps(world, 'paused-', USERS);
    await world.pool.query('VACUUM FULL');
    const databaseBefore = await tableBytes(world.pool);
    const temporalBefore = await temporalBytes(world);
    const curve: Sample[] = [];
    for (const steps of samples) {
      await waiting.pause(steps - waiting.workflowIds.length);
      const databaseBytes = (await tableBytes(world.pool)) - databaseBefore;
      curve.push({
        steps,
        workerRssMiB: rounded((await worker.memory()).rss / MIB, 1),
        databaseMiB: rounded(databaseBytes / MIB, 3),
      });
      say(`${steps} paused: worker ${curve.at(-1)?.workerRssMiB} MiB, database ${databaseBytes} bytes more`);
    }
    const { steps, workerRssMiB } = lastOf(curve);
    const databaseBytesPerStep = Math.round(((await tableBytes(world.pool)) - databaseBefore) / steps);
    const temporalBytesPerStep = Math.round(((await temporalBytes(world)) - temporalBefore) / steps);
    // The world ends with them: ending each would take as long as starting it.
    await worker.stop();
    return {
      paused: { steps, maxCachedWorkflows, workerRssMiB, databaseBytesPerStep },
      pausedCurve: curve,
      temporalBytesPerStep,
    };
  },
};

function lastOf(curve: Sample[]): Sample {
  const last = curve.at(-1);
  if (last === undefined) throw new Error('the plan pauses no step');
  return last;
}

/** All tables, with indexes and large values. */
async function tableBytes(pool: Pool): Promise<number> {
  await pool.query('VACUUM ANALYZE');
  const { rows } = await pool.query<{ bytes: string }>(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) AS bytes FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
  );
  return Number(rows[0]?.bytes);
}

/** With what SQLite has not merged into its file yet. */
async function temporalBytes({ temporalFile }: World): Promise<number> {
  const sizes = ['', '-wal'].map((suffix) =>
    stat(temporalFile + suffix).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
