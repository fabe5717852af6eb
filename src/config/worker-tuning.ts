import { z } from 'zod';
import { type Part, parseVariable, part } from './part.ts';
import { integer } from './variables.ts';

/** Pollers at once, or `auto`: as many as the server's feedback asks for. */
export type Pollers = number | 'auto';

/** How a worker takes tasks. Undefined: the SDK's default. */
export interface WorkerTuning {
  maxConcurrentWorkflowTasks: number | undefined;
  activityPollers: Pollers | undefined;
  workflowPollers: Pollers | undefined;
  /** Slots are handed out only while the machine, or its container, is below these. Undefined: the numbers alone limit. */
  targets: { cpuPercent: number; memoryPercent: number } | undefined;
}

const CPU = 'WORKER_TARGET_CPU_PERCENT';
const MEMORY = 'WORKER_TARGET_MEMORY_PERCENT';

/** @see https://docs.temporal.io/develop/worker-performance */
export const workerTuning: Part<WorkerTuning> = part(
  (env, report): WorkerTuning => {
    const read = <T>(name: string, schema: z.ZodType<T, string | undefined>) =>
      parseVariable(name, schema, env, report);
    const cpuPercent = read(CPU, percent);
    const memoryPercent = read(MEMORY, percent);
    if (env[CPU] === undefined && env[MEMORY] !== undefined) report(CPU, `is required beside ${MEMORY}`);
    if (env[MEMORY] === undefined && env[CPU] !== undefined) report(MEMORY, `is required beside ${CPU}`);
    return {
      // The SDK refuses fewer than two: one is for the tasks of cached workflows.
      maxConcurrentWorkflowTasks: read('WORKER_MAX_CONCURRENT_WORKFLOW_TASKS', integer(2, 10_000).optional()),
      activityPollers: read('WORKER_ACTIVITY_POLLERS', pollers(1)),
      workflowPollers: read('WORKER_WORKFLOW_POLLERS', pollers(2)),
      targets:
        cpuPercent === undefined || memoryPercent === undefined ? undefined : { cpuPercent, memoryPercent },
    };
  },
  [
    {
      name: 'WORKER_MAX_CONCURRENT_WORKFLOW_TASKS',
      meaning: 'workflow tasks at once',
      unset: 'default 40',
    },
    {
      name: 'WORKER_ACTIVITY_POLLERS',
      meaning: 'polls for activities at once, or auto',
      unset: 'default 10',
    },
    {
      name: 'WORKER_WORKFLOW_POLLERS',
      meaning: 'polls for workflow tasks at once, or auto',
      unset: 'default 10',
    },
    { name: CPU, meaning: 'take tasks only below this use of the CPU', unset: 'off' },
    { name: MEMORY, meaning: 'and of the memory; required beside the CPU', unset: 'off' },
  ],
);

const percent = integer(1, 100).optional();

function pollers(min: number) {
  const message = `must be a whole number from ${min} to 1000, or auto`;
  const number = z
    .string()
    .regex(/^\d{1,4}$/, message)
    .transform(Number);
  const inRange = number.refine((value) => value >= min && value <= 1000, message);
  return z.union([z.literal('auto'), inRange], message).optional();
}
