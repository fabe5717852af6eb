import type { ResourceBasedTuner, WorkerOptions } from '@temporalio/worker';
import type { WorkerConfig } from '../config/load-config.ts';
import type { Pollers, WorkerTuning } from '../config/worker-tuning.ts';

type PollerBehavior = NonNullable<WorkerOptions['activityTaskPollerBehavior']>;
type Tuned = Pick<WorkerConfig, 'maxConcurrentActivities' | 'maxCachedWorkflows' | 'tuning'>;

/** The SDK's defaults, without and with slots that depend on CPU and memory. */
const WORKFLOW_TASKS = { fixed: 40, byResources: 1_000 };
/** Few calls come in through Nexus, and each poll is a request that is held open. */
const NEXUS_POLLS = 2;

/** How many tasks a worker takes at once, how it polls for them, and how many workflows it keeps in memory. */
export function tuningOptions({
  maxConcurrentActivities: activities,
  maxCachedWorkflows,
  tuning,
}: Tuned): Partial<WorkerOptions> {
  const { targets, activityPollers, workflowPollers } = tuning;
  const defaultTasks = targets === undefined ? WORKFLOW_TASKS.fixed : WORKFLOW_TASKS.byResources;
  const workflowTasks = tuning.maxConcurrentWorkflowTasks ?? defaultTasks;
  return {
    ...(targets === undefined
      ? {
          maxConcurrentActivityTaskExecutions: activities,
          maxConcurrentWorkflowTaskExecutions: workflowTasks,
        }
      : { tuner: resourceTuner(targets, activities, workflowTasks) }),
    ...(activityPollers !== undefined && {
      activityTaskPollerBehavior: behavior(activityPollers, activities),
    }),
    ...(workflowPollers !== undefined && {
      workflowTaskPollerBehavior: behavior(workflowPollers, workflowTasks),
    }),
    maxConcurrentNexusTaskPolls: NEXUS_POLLS,
    ...(maxCachedWorkflows !== undefined && { maxCachedWorkflows }),
  };
}

function resourceTuner(
  { cpuPercent, memoryPercent }: NonNullable<WorkerTuning['targets']>,
  activities: number,
  workflowTasks: number,
): ResourceBasedTuner {
  return {
    tunerOptions: { targetCpuUsage: cpuPercent / 100, targetMemoryUsage: memoryPercent / 100 },
    activityTaskSlotOptions: { maximumSlots: activities },
    workflowTaskSlotOptions: { maximumSlots: workflowTasks },
  };
}

// More polls than slots are refused by the SDK.
function behavior(pollers: Pollers, slots: number): PollerBehavior {
  return pollers === 'auto'
    ? { type: 'autoscaling', initial: Math.min(5, slots), maximum: Math.min(100, slots) }
    : { type: 'simple-maximum', maximum: Math.min(pollers, slots) };
}
