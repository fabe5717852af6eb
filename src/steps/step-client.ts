/**
 * A user's operations on steps: start, read, wait, list, cancel and decide. The HTTP API and the package export
 * `latchkey` use it. Each operation is implemented here once; auditing and stored results are options of the one
 * implementation. Workflow code must not import it. The step's own states are in `workflows/step`.
 */
import type { Client } from '@temporalio/client';
import type { ApproveStep, RejectStep, ResolveStep } from '../contracts/messages.ts';
import { approve, reject, resolve } from '../contracts/messages.ts';
import type { StepView } from '../contracts/step.ts';
import { stepWorkflowId, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import {
  type AuditDependencies,
  type AuditedOutcome,
  auditDecision,
  type DecisionRecord,
  refusedDecision,
} from './audit-decision.ts';
import { type ListAllSteps, type ListedStep, listAllSteps } from './list-all-steps.ts';
import type { CursorKeys } from './list-cursor.ts';
import { type ListSteps, listSteps, type StepPage } from './list-steps.ts';
import { type ListUndecided, listUndecided, type UndecidedSteps } from './list-undecided.ts';
import { describeStepOfUser, readStep, readSummary, type StepKey } from './read-step.ts';
import { type ResolvedMany, type ResolveMany, resolveMany } from './resolve-many.ts';
import { type DecisionOutcome, sendDecision, type Update } from './send-decision.ts';
import { type ShownStep, type ShowStep, showStep } from './show-step.ts';
import {
  type StartDependencies,
  type StartInput,
  type StartStepOutcome,
  startUnlessTaken,
} from './start-step.ts';
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

/** Who acts for the step's user, for the audit log. Absent: whoever decides. */
interface Acting {
  actedBy?: string | undefined;
}

export interface StepDecision extends StepKey, Acting {
  /** Who decides, for the step's timeline and the audit log. */
  by?: string | undefined;
}

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

    /** Returns false if the user has no such step. A step that has ended stays as it is. */
    cancel: ({ actedBy, ...step }: StepKey & Acting): Promise<boolean> =>
      auditOfStep(
        deps,
        { step, actor: actedBy ?? step.userId, details: () => ({ decision: 'cancel' }) },
        () => cancelStep(deps, step),
        (isFound) => (isFound ? { action: 'cancelled' } : refusedDecision('not-found')),
      ),

    /** Ends the pause `needs-approval`: the call is made. */
    approve: (decision: StepDecision & { message?: ApproveStep | undefined }): Promise<DecisionOutcome> => {
      const edited = decision.message?.arguments !== undefined;
      const details = () => ({ decision: 'approve', edited });
      return decide(deps, results, { ...decision, update: approve, done: 'approved', details });
    },

    /** Ends the pause `needs-approval`: the step is `skipped`. */
    reject: (decision: StepDecision & { message?: RejectStep | undefined }): Promise<DecisionOutcome> => {
      const details = () => ({ decision: 'reject' });
      return decide(deps, results, { ...decision, update: reject, done: 'rejected', details });
    },

    /** Ends the pause `outcome-unknown`. */
    resolve: (decision: StepDecision & { message: ResolveStep }): Promise<DecisionOutcome> => {
      const details = () => ({ decision: 'resolve', resolution: decision.message.action });
      return decide(deps, results, { ...decision, update: resolve, done: 'resolved', details });
    },

    /** For operators: resolves steps of all users. */
    resolveMany: async (many: ResolveMany & { by?: string | undefined }): Promise<ResolvedMany> => {
      const resolveSteps = () => resolveMany(deps.client, many);
      if (deps.audit === undefined) return resolveSteps();
      return auditDecision(deps.audit, recordOfMany(many), resolveSteps, (counts) => ({
        action: 'resolved',
        details: { ...counts },
      }));
    },
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

async function cancelStep(deps: StepClientDependencies, step: StepKey): Promise<boolean> {
  const described = await describeStepOfUser(deps, step);
  if (described === undefined) return false;
  const handle = deps.client.workflow.getHandle(described.workflowId);
  await temporalCall(deps.client, () => handle.cancel());
  return true;
}

interface DecisionToSend extends StepDecision {
  message?: unknown;
  update: Update;
  /** The audit action of a decision that was applied. */
  done: AuditedOutcome['action'];
  details: () => DecisionRecord['details'];
}

async function decide(
  deps: StepClientDependencies,
  results: StoredResults,
  { userId, stepId, message, by, actedBy, update, done, details }: DecisionToSend,
): Promise<DecisionOutcome> {
  const step = { userId, stepId };
  const send = async (): Promise<DecisionOutcome> => {
    const described = await describeStepOfUser(deps, step);
    if (described === undefined) return { kind: 'not-found' };
    return sendDecision(deps.client, { workflowId: described.workflowId, update, message, by });
  };
  const outcome = await auditOfStep(deps, { step, actor: actedBy ?? by, details }, send, ({ kind }) =>
    auditedOutcome(kind, done),
  );
  if (outcome.kind !== 'applied') return outcome;
  return { kind: 'applied', step: await results.readIfPossible({ userId }, outcome.step) };
}

interface AuditedDecision {
  step: StepKey;
  actor: string | undefined;
  details: () => DecisionRecord['details'];
}

async function auditOfStep<T>(
  deps: StepClientDependencies,
  { step, actor, details }: AuditedDecision,
  work: () => Promise<T>,
  outcomeOf: (result: T) => AuditedOutcome,
): Promise<T> {
  if (deps.audit === undefined) return work();
  const { userId, stepId } = step;
  const subject = { userId, stepId, workflowId: await auditedWorkflowId(deps, step) };
  return auditDecision(
    deps.audit,
    { actorUserId: actor ?? null, subject, details: details() },
    work,
    outcomeOf,
  );
}

// A step has one possible workflow id, unless a part of it is hashed: an older version hashed differently.
async function auditedWorkflowId(deps: StepClientDependencies, step: StepKey): Promise<string> {
  const { userId, stepId } = step;
  const isOnlyId = stepWorkflowIds(userId, stepId).length === 1;
  const described = isOnlyId ? undefined : await describeStepOfUser(deps, step);
  return described?.workflowId ?? stepWorkflowId(userId, stepId);
}

function auditedOutcome(kind: DecisionOutcome['kind'], done: AuditedOutcome['action']): AuditedOutcome {
  switch (kind) {
    case 'applied':
      return { action: done };
    case 'no-worker':
      return { action: 'decision-unanswered' };
    case 'not-found':
    case 'not-waiting':
    case 'invalid':
    case 'unchecked':
    case 'too-many':
      return refusedDecision(kind);
    default:
      return kind satisfies never;
  }
}

function recordOfMany({
  mcpServerId,
  resolution,
  from,
  to,
  by,
}: ResolveMany & { by?: string | undefined }): DecisionRecord {
  const span = { from: from.toISOString(), to: to.toISOString() };
  const details = { decision: 'resolve-many', resolution: resolution.action, ...span };
  return { actorUserId: by ?? null, subject: { mcpServerId }, details };
}
