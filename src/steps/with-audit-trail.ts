import { randomUUID } from 'node:crypto';
import { type AuditAction, type AuditEvent, appendAuditEvent } from '../audit/audit-log.ts';
import { stepWorkflowId, stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import type { DecisionOutcome, ResolveMany, StepClient } from './step-client.ts';

export interface AuditTrailDependencies {
  db: Db;
  logger: Pick<Logger, 'error'>;
  /** The workflow id that the user's step is found under, where there is one. */
  workflowIdOf(userId: string, stepId: string): Promise<string | undefined>;
}

type Details = NonNullable<AuditEvent['details']>;

/** A decision about to be made: who, about what, and what it is called when it has been. */
interface Decision {
  actorUserId: string | null;
  subject: Pick<AuditEvent, 'userId' | 'mcpServerId' | 'stepId' | 'workflowId'>;
  details: Details & { decision: string };
  done: AuditAction;
}

interface Conclusion {
  action: AuditAction;
  details?: Details;
}

/**
 * A step client whose decisions are in the audit log. The fact is in Temporal, so no transaction can hold both:
 * a row says before that the decision is being made, and without it none is made; another says after what came
 * of it. Where the second is missing or says `decision-unanswered`, the step's own timeline knows.
 *
 * @throws what the database throws, before anything has been decided
 */
export function withAuditTrail(steps: StepClient, deps: AuditTrailDependencies): StepClient {
  const decided = (decision: Decision, decide: () => Promise<DecisionOutcome>) =>
    audited(deps, decision, decide, concludeDecision);
  return {
    ...steps,
    async approve(userId, stepId, message, by) {
      const details = { decision: 'approve', edited: message?.arguments !== undefined };
      const decision = await ofStep(deps, { userId, stepId, by }, 'approved', details);
      return decided(decision, () => steps.approve(userId, stepId, message, by));
    },
    async reject(userId, stepId, message, by) {
      const decision = await ofStep(deps, { userId, stepId, by }, 'rejected', { decision: 'reject' });
      return decided(decision, () => steps.reject(userId, stepId, message, by));
    },
    async resolve(userId, stepId, message, by) {
      const details = { decision: 'resolve', resolution: message.action };
      const decision = await ofStep(deps, { userId, stepId, by }, 'resolved', details);
      return decided(decision, () => steps.resolve(userId, stepId, message, by));
    },
    async cancel(userId, stepId) {
      const decision = await ofStep(deps, { userId, stepId, by: userId }, 'cancelled', {
        decision: 'cancel',
      });
      return audited(deps, decision, () => steps.cancel(userId, stepId), concludeCancellation);
    },
    resolveMany: (many, by) =>
      audited(
        deps,
        resolutionOfMany(many, by),
        () => steps.resolveMany(many, by),
        (counts, done) => ({ action: done, details: { ...counts } }),
      ),
  };
}

async function ofStep(
  deps: AuditTrailDependencies,
  { userId, stepId, by }: { userId: string; stepId: string; by: string | undefined },
  done: AuditAction,
  details: Decision['details'],
): Promise<Decision> {
  const subject = { userId, stepId, workflowId: await workflowIdFor(deps, userId, stepId) };
  return { actorUserId: by ?? null, subject, done, details };
}

// A step has one id only, unless a part of it is hashed: then it may have been started under the hash of before.
async function workflowIdFor(deps: AuditTrailDependencies, userId: string, stepId: string): Promise<string> {
  const isSure = stepWorkflowIds(userId, stepId).length === 1;
  const found = isSure ? undefined : await deps.workflowIdOf(userId, stepId);
  return found ?? stepWorkflowId(userId, stepId);
}

function resolutionOfMany({ mcpServerId, resolution, from, to }: ResolveMany, by?: string): Decision {
  const span = { from: from.toISOString(), to: to.toISOString() };
  const details = { decision: 'resolve-many', resolution: resolution.action, ...span };
  return { actorUserId: by ?? null, subject: { mcpServerId }, done: 'resolved', details };
}

async function audited<T>(
  deps: AuditTrailDependencies,
  { actorUserId, subject, details, done }: Decision,
  decide: () => Promise<T>,
  conclude: (outcome: T, done: AuditAction) => Conclusion,
): Promise<T> {
  // The rows of one decision are told from those of another like it.
  const of = { ...details, request: randomUUID() };
  await appendAuditEvent(deps.db, { action: 'decision-requested', actorUserId, ...subject, details: of });
  const append = async ({ action, details: more }: Conclusion) =>
    appendAuditEvent(deps.db, { action, actorUserId, ...subject, details: { ...of, ...more } }).catch(
      // What has been decided has been decided: the caller is told that, and the row before stands.
      (error: unknown) =>
        deps.logger.error({ err: error, ...subject, action }, 'an audit event was not written'),
    );
  try {
    const outcome = await decide();
    await append(conclude(outcome, done));
    return outcome;
  } catch (error) {
    await append({ action: 'decision-unanswered' });
    throw error;
  }
}

function concludeDecision({ kind }: DecisionOutcome, done: AuditAction): Conclusion {
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
      return refused(kind);
    default:
      return kind satisfies never;
  }
}

function concludeCancellation(isFound: boolean, done: AuditAction): Conclusion {
  return isFound ? { action: done } : refused('not-found');
}

function refused(why: string): Conclusion {
  return { action: 'decision-refused', details: { why } };
}
