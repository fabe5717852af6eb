import {
  type Client,
  type Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { STEP_SEARCH_ATTRIBUTES } from './contracts/search-attributes.ts';
import type { Logger } from './logger.ts';

const RECONCILE_SCHEDULE = 'latchkey-reconcile';
const RECONCILE_EVERY = '30s';
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

/**
 * Registers the search attributes and the reconcile schedule. Safe to run at once from many processes, and
 * again. Where the namespace does not let us register attributes (Temporal Cloud has its own way), steps run
 * without them and a warning says so.
 */
export async function setUpTemporal(
  client: Client,
  connection: Connection,
  options: { taskQueue: string; logger: Logger },
): Promise<void> {
  await registerSearchAttributes(connection, client.options.namespace).catch((error: unknown) =>
    options.logger.warn({ err: error }, 'search attributes could not be registered'),
  );
  await ensureSchedule(client, reconcileSchedule(options.taskQueue));
}

async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = STEP_SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(({ name }) => [name, KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

function reconcileSchedule(taskQueue: string): ScheduleOptions {
  return {
    scheduleId: RECONCILE_SCHEDULE,
    spec: { intervals: [{ every: RECONCILE_EVERY }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'reconcile',
      workflowId: 'reconcile',
      taskQueue,
      args: [],
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
