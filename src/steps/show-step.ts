import type { WorkflowExecutionDescription } from '@temporalio/client';
import { isObject } from '../contracts/is-object.ts';
import { stepArguments } from '../contracts/messages.ts';
import type { StepView } from '../contracts/step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import {
  describeStepOfUser,
  QUERY_TIMEOUT_MS,
  type ReadDependencies,
  readDescribed,
  type StepKey,
} from './read-step.ts';
import { startInputOf } from './step-identity.ts';
import type { ResultReader, StoredResults } from './stored-results.ts';

export interface ShowStep extends StepKey, Pick<ResultReader, 'admit'> {
  /** A larger stored result stays a reference. */
  maxStoredBytes: number;
}

/** What a page shows of a step. */
export interface ShownStep {
  step: StepView;
  /** False: no worker answered in time, so `step` is what Temporal itself knows. */
  isAnswered: boolean;
  /** What the tool is called with. Absent if it can't be read now. */
  arguments?: Record<string, unknown>;
}

/** A timeline of this length may have lost the entry of an approval. */
const LONG_TIMELINE = 200;

export async function showStep(
  deps: ReadDependencies,
  results: Pick<StoredResults, 'readSmall'>,
  { userId, stepId, maxStoredBytes, admit }: ShowStep,
): Promise<ShownStep | undefined> {
  const key = { userId, stepId };
  const described = await describeStepOfUser(deps, key);
  if (described === undefined) return undefined;
  const [{ view, isAnswered }, input] = await Promise.all([
    readDescribed(deps, key, described),
    startInputOf(deps.client, described),
  ]);
  const step = await results.readSmall({ userId, admit }, view, maxStoredBytes);
  const args = mayBeEdited(view) ? await queryArguments(deps, described) : argumentsIn(input);
  return { step, isAnswered, ...(args !== undefined && { arguments: args }) };
}

function mayBeEdited({ timeline }: StepView): boolean {
  return (
    timeline.length >= LONG_TIMELINE ||
    timeline.some(({ event, edited }) => event === 'approved' && edited === true)
  );
}

// An older worker does not know the query.
async function queryArguments(
  { client }: ReadDependencies,
  { workflowId }: WorkflowExecutionDescription,
): Promise<Record<string, unknown> | undefined> {
  const handle = client.workflow.getHandle(workflowId);
  return temporalCall(client, () => handle.query(stepArguments), QUERY_TIMEOUT_MS).catch(() => undefined);
}

// Any client may have started the workflow with any value.
function argumentsIn(input: unknown): Record<string, unknown> | undefined {
  if (!isObject(input)) return undefined;
  const args = input.arguments ?? {};
  return isObject(args) ? args : undefined;
}
