/**
 * A user's operations on steps: start, read, wait, list, cancel and decide. The HTTP API and the package export
 * `latchkey` use it. Each operation is implemented here once; auditing and stored results are options of the one
 * implementation. Workflow code must not import it. The step's own states are in `workflows/step`.
 */
import type { Client } from '@temporalio/client';
import type { StepView } from '../contracts/step.ts';
import type { AuditDependencies } from './audit-decision.ts';
import { type ListAllSteps, type ListedStep, listAllSteps } from './list-all-steps.ts';
import type { CursorKeys } from './list-cursor.ts';
import { type ListSteps, listSteps, type StepPage } from './list-steps.ts';
import { type ListUndecided, listUndecided, type UndecidedSteps } from './list-undecided.ts';
import { readStep, readSummary, type StepKey } from './read-step.ts';
import { type ShownStep, type ShowStep, showStep } from './show-step.ts';
import {
  type StartDependencies,
  type StartInput,
  type StartStepOutcome,
  startUnlessTaken,
} from './start-step.ts';
import { createStepDecisions } from './step-decisions.ts';
import type { StepSummary } from './step-summary.ts';
import {
  createStoredResults,
  type ResultReader,
  type StoredResultDependencies,
  type StoredResults,
} from './stored-results.ts';
import { waitForChange } from './wait-for-change.ts';

export interface StepClientDependencies {
  client: Client;
  taskQueue: string;
  /** The keys that seal the cursors of lists. Default: a public key, which only detects damage. */
  cursorKeys?: CursorKeys;
  /** Records every decision in the audit log. Default: decisions are not recorded. */
  audit?: AuditDependencies;
  /** Reads the results that Temporal holds only a reference to. Default: steps show the reference. */
  storedResults?: StoredResultDependencies;
}

/** How the read of a stored result is admitted. Default: at once. */
type Reading = Pick<ResultReader, 'admit'>;

/** How a step is started: `requestId` of the HTTP request that asks for it. */
type Starting = Reading & Pick<StartDependencies, 'requestId'>;

/**
 * The operations throw `TemporalUnavailable` when Temporal can't be reached. All but `resolveMany` and `listAll` are about the
 * steps of one user and don't find another user's steps. With `storedResults`, an operation that only reads throws
 * `EncryptionKeyMissing` while the key of a stored result is not configured. With `audit`, a decision throws the
 * database's error, and is not sent, while it can't be recorded.
 */
export type StepClient = ReturnType<typeof createStepClient>;

export function createStepClient(deps: StepClientDependencies) {
  const results = createStoredResults(deps.storedResults);
  return {
    start: (input: StartInput, starting: Starting = {}): Promise<StartStepOutcome> =>
      startOrShowExisting(deps, results, { input, ...starting }),

    /** Returns undefined if the user has no such step. */
    get: async (step: StepKey & Reading): Promise<StepView | undefined> =>
      results.read(step, await readStep(deps, step)),

    /** Returns what a page shows of a step. */
    show: (step: ShowStep): Promise<ShownStep | undefined> => showStep(deps, results, step),

    /**
     * Returns what Temporal itself knows of a step, without its timeline and result: cheap, and its worker may be away.
     * Returns undefined if the user has no such step.
     */
    summarize: (step: StepKey): Promise<StepSummary | undefined> => readSummary(deps, step),

    /** Resolves when the status differs from the status at the call, when the step ends, or after `timeoutMs`. */
    waitForChange: async (
      wait: StepKey & Reading & { timeoutMs: number; signal?: AbortSignal | undefined },
    ): Promise<StepView | undefined> => results.read(wait, await waitForChange(deps, wait)),

    list: (options: ListSteps): Promise<StepPage> => listSteps(deps, options),

    /** For admins: steps of all users. */
    listAll: (options: ListAllSteps): Promise<{ steps: ListedStep[]; nextCursor?: string }> =>
      listAllSteps(deps, options),

    listUndecided: (options: ListUndecided): Promise<UndecidedSteps> => listUndecided(deps, options),

    ...createStepDecisions(deps, results),
  };
}

async function startOrShowExisting(
  deps: StepClientDependencies,
  results: StoredResults,
  { input, admit, requestId }: { input: StartInput } & Starting,
): Promise<StartStepOutcome> {
  const { userId, stepId } = input;
  const outcome = await startUnlessTaken({ ...deps, requestId }, input);
  if (outcome.kind === 'started') {
    return { kind: 'started', step: await results.readIfPossible({ userId, admit }, outcome.step) };
  }
  const step = outcome.sameRequest ? await readStep(deps, { userId, stepId }) : undefined;
  if (step === undefined) return { kind: 'conflict' };
  return { kind: 'existing', step: await results.read({ userId, admit }, step) };
}
