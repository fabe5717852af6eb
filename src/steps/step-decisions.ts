import type { Client } from '@temporalio/client';
import type { ApproveStep, RejectStep, ResolveStep } from '../contracts/messages.ts';
import { approve, reject, resolve } from '../contracts/messages.ts';
import { stepWorkflowId, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import {
  type AuditDependencies,
  type AuditedOutcome,
  auditDecision,
  type DecisionRecord,
  refusedDecision,
} from './audit-decision.ts';
import { describeStepOfUser, type StepKey } from './read-step.ts';
import { type ResolvedMany, type ResolveMany, resolveMany } from './resolve-many.ts';
import { type DecisionOutcome, sendDecision, type Update } from './send-decision.ts';
import type { StoredResults } from './stored-results.ts';

/** Who acts for the step's user, for the audit log. Absent: whoever decides. */
export interface Acting {
  actedBy?: string | undefined;
}

export interface StepDecision extends StepKey, Acting {
  /** Who decides, for the step's timeline and the audit log. */
  by?: string | undefined;
}

interface Dependencies {
  client: Client;
  audit?: AuditDependencies;
}

/** The decisions about steps, which are the operations that the audit log records. `StepClient` says what they throw. */
export function createStepDecisions(deps: Dependencies, results: StoredResults) {
  return {
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

async function cancelStep(deps: Dependencies, step: StepKey): Promise<boolean> {
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
  deps: Dependencies,
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
  deps: Dependencies,
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
async function auditedWorkflowId(deps: Dependencies, step: StepKey): Promise<string> {
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
