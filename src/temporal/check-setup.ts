/**
 * Finds what `latchkey migrate` has not set up in the namespace. Steps run without it, but see the problems. Workers and
 * servers log them at their start, and `latchkey doctor` prints them.
 */
import type { Client } from '@temporalio/client';
import { STEP_SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { Logger } from '../logging/logger.ts';
import { KEYWORD, SCHEDULE_IDS } from './setup.ts';
import { isNotFound, temporalCall } from './temporal-call.ts';

/** One problem, as a sentence that says what it means and what to do. */
export type SetupProblem =
  | {
      kind: 'missing-search-attributes' | 'search-attributes-of-another-type';
      names: string[];
      message: string;
    }
  | { kind: 'missing-schedule' | 'paused-schedule'; scheduleId: string; message: string }
  | { kind: 'schedule-of-another-task-queue'; scheduleId: string; taskQueue: string; message: string };

export interface SetupToCheck {
  client: Client;
  /** The task queue of this process. */
  taskQueue: string;
  /** Of each request. Default: that of `temporalCall`. */
  timeoutMs?: number;
}

/**
 * Checks the search attributes and schedules of the namespace.
 *
 * @throws TemporalUnavailable, also where this process may not read them
 */
export async function findSetupProblems(setup: SetupToCheck): Promise<SetupProblem[]> {
  const found = await Promise.all([findAttributeProblems(setup), findScheduleProblems(setup)]);
  return found.flat();
}

/** Logs one warning for each problem. Never rejects: a namespace that can't be read now is checked at the next start. */
export async function logSetupProblems({
  logger,
  ...setup
}: SetupToCheck & { logger: Logger }): Promise<void> {
  const problems = await findSetupProblems(setup).catch((error: unknown) => {
    logger.debug({ err: error }, "the set-up of Temporal's namespace could not be checked");
    return [];
  });
  for (const { message, ...fields } of problems) logger.warn(fields, message);
}

/** The half of `findSetupProblems` that Temporal Cloud does not show to every key. */
export async function findAttributeProblems({ client, timeoutMs }: SetupToCheck): Promise<SetupProblem[]> {
  const { namespace } = client.options;
  const list = () => client.connection.operatorService.listSearchAttributes({ namespace });
  const { customAttributes } = await temporalCall(client, list, timeoutMs);
  const names = STEP_SEARCH_ATTRIBUTES.map(({ name }) => name);
  const missing = names.filter((name) => !(name in customAttributes));
  const otherwise = names.filter((name) => name in customAttributes && customAttributes[name] !== KEYWORD);
  return [
    ...(missing.length === 0 ? [] : [missingAttributes(namespace, missing)]),
    ...(otherwise.length === 0 ? [] : [attributesOfAnotherType(namespace, otherwise)]),
  ];
}

function missingAttributes(namespace: string, names: string[]): SetupProblem {
  const message = `the namespace "${namespace}" lacks search attributes (${names.join(', ')}): run \`latchkey migrate\`, or register them as keywords (Temporal Cloud: in its UI); until then steps run, but lists by status read all of a user's steps, and steps that were started meanwhile are not found by status later`;
  return { kind: 'missing-search-attributes', names, message };
}

// `latchkey migrate` does not touch them: another program may use them.
function attributesOfAnotherType(namespace: string, names: string[]): SetupProblem {
  const message = `the namespace "${namespace}" has search attributes of another type than Keyword (${names.join(', ')}): use another namespace, or remove or rename them and run \`latchkey migrate\`; until then steps run, but lists may lack steps`;
  return { kind: 'search-attributes-of-another-type', names, message };
}

/** The other half of `findSetupProblems`. */
export async function findScheduleProblems(setup: SetupToCheck): Promise<SetupProblem[]> {
  const found = await Promise.all(SCHEDULE_IDS.map((scheduleId) => scheduleProblem(setup, scheduleId)));
  return found.filter((problem) => problem !== undefined);
}

async function scheduleProblem(
  { client, taskQueue, timeoutMs }: SetupToCheck,
  scheduleId: string,
): Promise<SetupProblem | undefined> {
  const found = await findSchedule(client, scheduleId, timeoutMs);
  if (found === undefined) {
    const message = `the schedule ${scheduleId} is missing: run \`latchkey migrate\`; until then ${WITHOUT[scheduleId] ?? 'background work is not done'}`;
    return { kind: 'missing-schedule', scheduleId, message };
  }
  if (found.taskQueue !== taskQueue) {
    const message = `the schedule ${scheduleId} runs on the task queue "${found.taskQueue}" and not on "${taskQueue}", which this process uses: give each installation a namespace of its own, or run \`latchkey migrate\` with this TEMPORAL_TASK_QUEUE`;
    return { kind: 'schedule-of-another-task-queue', scheduleId, taskQueue: found.taskQueue, message };
  }
  if (!found.isPaused) return undefined;
  const message = `the schedule ${scheduleId} is paused: resume it (temporal schedule toggle --unpause --schedule-id ${scheduleId}); until then ${WITHOUT[scheduleId] ?? 'background work is not done'}`;
  return { kind: 'paused-schedule', scheduleId, message };
}

const WITHOUT: Readonly<Record<string, string>> = {
  'latchkey-reconcile': 'resumptions that got lost in an outage do not heal, and expired rows stay',
  'latchkey-renew-idle': 'connections that are not used expire',
};

// Asks the service itself: the SDK's `describe` decodes the memo and the input.
async function findSchedule(
  client: Client,
  scheduleId: string,
  timeoutMs: number | undefined,
): Promise<{ taskQueue: string; isPaused: boolean } | undefined> {
  const { namespace } = client.options;
  try {
    const describe = () => client.workflowService.describeSchedule({ namespace, scheduleId });
    const { schedule } = await temporalCall(client, describe, timeoutMs);
    return {
      taskQueue: schedule?.action?.startWorkflow?.taskQueue?.name ?? '',
      isPaused: schedule?.state?.paused ?? false,
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
