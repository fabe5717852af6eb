import { type Client, type Connection, ScheduleNotFoundError } from '@temporalio/client';
import type { TemporalConfig } from '../config/load-config.ts';
import { STEP_SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { CannotRun } from '../process/cannot-run.ts';
import { describeNamespace, temporalFailure } from '../process/temporal-failure.ts';
import { activePollers } from '../temporal/pollers.ts';
import { KEYWORD, SCHEDULE_IDS } from '../temporal/setup.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import { type Check, checkWithin, type Finding, failed, ok, warning } from './doctor-check.ts';

export interface TemporalDependencies {
  client: Client;
  connection: Connection;
  temporal: TemporalConfig;
  taskQueue: string;
}

/** Of one request. Shorter than the limit of a check, so that its error says what is wrong. */
const TIMEOUT_MS = 9_000;

/** Checks the namespace, what `latchkey migrate` sets up in it, and that workers poll the task queue. */
export async function* checkTemporal(deps: TemporalDependencies): AsyncGenerator<Check> {
  const { address, namespace } = deps.temporal;
  const explain = (error: unknown) => explanationOf(error, deps.temporal);
  const reached = await checkWithin(async () => {
    await temporalCall(
      deps.client,
      () => describeNamespace(deps.connection, { namespace }, TIMEOUT_MS),
      TIMEOUT_MS,
    );
    return ok(`answers at ${address}, namespace ${namespace}`);
  }, explain);
  yield { check: 'temporal', ...reached };
  for (const [check, find] of FINDERS) {
    if (reached.status === 'ok') yield { check, ...(await checkWithin(() => find(deps), explain)) };
    else yield { check, status: 'skipped', message: "not checked: Temporal can't be used" };
  }
}

const FINDERS: readonly [Check['check'], (deps: TemporalDependencies) => Promise<Finding>][] = [
  ['search-attributes', findSearchAttributes],
  ['schedules', findSchedules],
  ['workers', findWorkers],
];

const NAMES = STEP_SEARCH_ATTRIBUTES.map(({ name }) => name);

async function findSearchAttributes({
  client,
  connection,
  temporal,
}: TemporalDependencies): Promise<Finding> {
  const { namespace } = temporal;
  const list = () => connection.operatorService.listSearchAttributes({ namespace });
  const listed = await temporalCall(client, list, TIMEOUT_MS).catch(() => undefined);
  // Temporal Cloud does not let every key read them. Steps run without them.
  if (listed === undefined)
    return warning(`can't be read with this access: check that ${NAMES.join(', ')} exist`);
  const wrong = NAMES.filter((name) => listed.customAttributes[name] !== KEYWORD);
  if (wrong.length === 0) return ok(NAMES.join(', '));
  return failed(
    `${wrong.join(', ')} not registered as Keyword: run \`latchkey migrate\`, or create them (Temporal Cloud: in its UI)`,
  );
}

async function findSchedules(deps: TemporalDependencies): Promise<Finding> {
  const problems: string[] = [];
  for (const scheduleId of SCHEDULE_IDS) {
    const problem = await scheduleProblem(deps, scheduleId);
    if (problem !== undefined) problems.push(`${scheduleId} ${problem}`);
  }
  return problems.length === 0 ? ok(SCHEDULE_IDS.join(', ')) : failed(problems.join('; '));
}

async function scheduleProblem(
  { client, taskQueue }: TemporalDependencies,
  scheduleId: string,
): Promise<string | undefined> {
  const describe = () => client.schedule.getHandle(scheduleId).describe();
  const schedule = await temporalCall(client, describe, TIMEOUT_MS).catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (schedule === undefined) return 'does not exist: run `latchkey migrate`';
  if (schedule.state.paused) {
    return `is paused: temporal schedule toggle --unpause --schedule-id ${scheduleId}`;
  }
  return schedule.action.taskQueue === taskQueue
    ? undefined
    : `starts its workflow on another task queue than TEMPORAL_TASK_QUEUE (${taskQueue}): correct that, or run \`latchkey migrate\``;
}

async function findWorkers({ client, taskQueue }: TemporalDependencies): Promise<Finding> {
  const workers = await activePollers(client, taskQueue);
  if (workers.length > 0)
    return ok(`${workers.length} polled the task queue ${taskQueue} within the last minute`);
  return failed(
    `none polled the task queue ${taskQueue} within the last minute: start \`latchkey worker\`, or correct TEMPORAL_TASK_QUEUE`,
  );
}

function explanationOf(error: unknown, temporal: TemporalConfig): string {
  const failure = temporalFailure(error, temporal);
  return failure instanceof CannotRun ? failure.message : 'Temporal answers with an error: see its log';
}
