import { randomUUID } from 'node:crypto';
import { type AuditAction, type AuditEvent, appendAuditEvent } from '../audit/audit-log.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';

export interface AuditDependencies {
  db: Db;
  logger: Pick<Logger, 'error'>;
}

type Details = NonNullable<AuditEvent['details']>;

/** A decision before it is made: who decides, about what, and which decision it is. */
export interface DecisionRecord {
  actorUserId: string | null;
  subject: Pick<AuditEvent, 'userId' | 'mcpServerId' | 'stepId' | 'workflowId'>;
  details: Details & { decision: string };
}

/** What the second audit event says. */
export interface AuditedOutcome {
  action: AuditAction;
  details?: Details;
}

/**
 * Makes a decision and records it in the audit log. The decision itself is stored in Temporal, so no transaction
 * can hold both. One event is written before the decision is made: without it, no decision is made. A second event
 * says what the outcome was. If the second is missing or says `decision-unanswered`, the step's timeline has
 * the outcome.
 *
 * @throws the database's error, before anything is decided
 */
export async function auditDecision<T>(
  audit: AuditDependencies,
  { actorUserId, subject, details }: DecisionRecord,
  decide: () => Promise<T>,
  outcomeOf: (result: T) => AuditedOutcome,
): Promise<T> {
  // `request` links the two events of one decision, because the same decision may be made several times.
  const common = { ...details, request: randomUUID() };
  const append = (action: AuditAction, more?: Details) =>
    appendAuditEvent(audit.db, { action, actorUserId, ...subject, details: { ...common, ...more } });
  // The decision has been made: the caller gets its outcome, and the first event remains.
  const appendOutcome = ({ action, details: more }: AuditedOutcome) =>
    append(action, more).catch((error: unknown) =>
      audit.logger.error({ err: error, ...subject, action }, 'an audit event was not written'),
    );
  await append('decision-requested');
  try {
    const result = await decide();
    await appendOutcome(outcomeOf(result));
    return result;
  } catch (error) {
    await appendOutcome({ action: 'decision-unanswered' });
    throw error;
  }
}

export function refusedDecision(why: string): AuditedOutcome {
  return { action: 'decision-refused', details: { why } };
}
