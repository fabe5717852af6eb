import {
  type Client,
  type Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { STEP_SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { Logger } from '../logging/logger.ts';

interface Plan {
  scheduleId: string;
  workflowType: string;
  workflowId: string;
  /** For an operator in Temporal's UI. */
  summary: string;
  every: Duration;
}

const SCHEDULES: readonly Plan[] = [
  {
    scheduleId: 'latchkey-reconcile',
    workflowType: 'reconcile',
    workflowId: 'reconcile',
    summary: 'starts lost resumptions and revocations, deletes expired rows',
    every: '30s',
  },
  {
    scheduleId: 'latchkey-renew-idle',
    workflowType: 'renewIdleGrants',
    workflowId: 'renew-idle-grants',
    summary: 'renews grants that expire when they are not used',
    // A third of the time that the grant with the shortest limit has left when it becomes due.
    every: '5m',
  },
];

/** The schedules that `setUpTemporal` creates. */
export const SCHEDULE_IDS: readonly string[] = SCHEDULES.map(({ scheduleId }) => scheduleId);

/** temporal.api.enums.v1.IndexedValueType */
export const KEYWORD = 2;

/**
 * Registers the search attributes and the schedules. Safe to run again, and from many processes at the same time.
 * If the namespace does not allow registering attributes (Temporal Cloud has its own way), logs a warning, and steps
 * run without them.
 */
export async function setUpTemporal(
  client: Client,
  connection: Connection,
  options: { taskQueue: string; logger: Logger },
): Promise<void> {
  // First, so that the error for a missing namespace names the namespace, and not its attributes.
  await client.workflowService.describeNamespace({ namespace: client.options.namespace });
  await registerSearchAttributes(connection, client.options.namespace).catch((error: unknown) =>
    options.logger.warn({ err: error }, 'search attributes could not be registered'),
  );
  for (const plan of SCHEDULES) await ensureSchedule(client, scheduleOf(plan, options.taskQueue));
}

async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = STEP_SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(({ name }) => [name, KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

// With the overlap policy, no run begins while the previous one is under way.
function scheduleOf(
  { scheduleId, workflowType, workflowId, summary, every }: Plan,
  taskQueue: string,
): ScheduleOptions {
  return {
    scheduleId,
    spec: { intervals: [{ every }] },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId,
      taskQueue,
      args: [],
      staticSummary: summary,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
  };
}

async function ensureSchedule(client: Client, schedule: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId: _, ...wanted } = schedule;
    await client.schedule.getHandle(schedule.scheduleId).update((previous) => ({
      ...previous,
      spec: wanted.spec,
      action: { ...previous.action, ...wanted.action },
    }));
  }
}
