import { randomUUID } from 'node:crypto';
import { type AuditAction, type AuditEvent, appendAuditEvent } from '../audit/audit-log.ts';
import { stepWorkflowId } from '../contracts/step-workflow-id.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logger.ts';
import type { DecisionOutcome, StepClient } from './step-client.ts';

export interface AuditTrailDependencies {
  db: Db;
  logger: Pick<Logger, 'error'>;
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
  return {
    ...steps,
    approve: (userId, stepId, message, by) =>
      audited(
        deps,
        {
          ...about(userId, stepId, by, 'approved'),
          details: { decision: 'approve', edited: message?.arguments !== undefined },
        },
        () => steps.approve(userId, stepId, message, by),
        concludeDecision,
      ),
    reject: (userId, stepId, message, by) =>
      audited(
        deps,
        { ...about(userId, stepId, by, 'rejected'), details: { decision: 'reject' } },
        () => steps.reject(userId, stepId, message, by),
        concludeDecision,
      ),
    resolve: (userId, stepId, message, by) =>
      audited(
        deps,
        {
          ...about(userId, stepId, by, 'resolved'),
          details: { decision: 'resolve', resolution: message.action },
        },
        () => steps.resolve(userId, stepId, message, by),
        concludeDecision,
      ),
    cancel: (userId, stepId) =>
      audited(
        deps,
        { ...about(userId, stepId, userId, 'cancelled'), details: { decision: 'cancel' } },
        () => steps.cancel(userId, stepId),
        (found, done) => (found ? { action: done } : refused('not-found')),
      ),
    resolveMany: (many, by) =>
      audited(
        deps,
        {
          actorUserId: by ?? null,
          subject: { mcpServerId: many.mcpServerId },
          done: 'resolved',
          details: {
            decision: 'resolve-many',
            resolution: many.resolution.action,
            from: many.from.toISOString(),
            to: many.to.toISOString(),
          },
        },
        () => steps.resolveMany(many, by),
        (counts, done) => ({ action: done, details: { ...counts } }),
      ),
  };
}

function about(userId: string, stepId: string, by: string | undefined, done: AuditAction) {
  const subject = { userId, stepId, workflowId: stepWorkflowId(userId, stepId) };
  return { actorUserId: by ?? null, subject, done };
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
      return refused(kind);
    default:
      return kind satisfies never;
  }
}

function refused(why: string): Conclusion {
  return { action: 'decision-refused', details: { why } };
}
