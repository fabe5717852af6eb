import type { Client, Connection } from '@temporalio/client';
import type { TemporalConfig } from '../config/load-config.ts';
import { STEP_SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { CannotRun } from '../process/cannot-run.ts';
import { describeNamespace, temporalFailure } from '../process/temporal-failure.ts';
import { findAttributeProblems, findScheduleProblems, type SetupProblem } from '../temporal/check-setup.ts';
import { activePollers } from '../temporal/pollers.ts';
import { SCHEDULE_IDS } from '../temporal/setup.ts';
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

async function findSearchAttributes(deps: TemporalDependencies): Promise<Finding> {
  const problems = await findAttributeProblems({ ...deps, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
  // Temporal Cloud does not let every key read them. Steps run without them.
  if (problems === undefined)
    return warning(`can't be read with this access: check that ${NAMES.join(', ')} exist`);
  return findingOf(problems, NAMES);
}

async function findSchedules(deps: TemporalDependencies): Promise<Finding> {
  return findingOf(await findScheduleProblems({ ...deps, timeoutMs: TIMEOUT_MS }), SCHEDULE_IDS);
}

function findingOf(problems: readonly SetupProblem[], names: readonly string[]): Finding {
  if (problems.length === 0) return ok(names.join(', '));
  return failed(problems.map(({ message }) => message).join('; '));
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
