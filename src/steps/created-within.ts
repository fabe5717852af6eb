import { CREATED_AROUND_START } from '../contracts/step-memo.ts';
import { createdAtOfStep, type Execution } from './step-summary.ts';

/** When steps were created. Both ends are included. */
export interface TimeSpan {
  from: Date;
  /** Default: no end. */
  to?: Date;
}

const EARLIEST = new Date('0000-01-01T00:00:00Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

/**
 * The condition of a visibility query by which Temporal finds all steps that were created then, and a few others: it
 * knows the times of their starts, which `isCreatedWithin` tells apart.
 */
export function mayBeCreatedWithin({ from, to = LATEST }: TimeSpan): string {
  const { beforeMs, afterMs } = CREATED_AROUND_START;
  const [earliest, latest] = [from.getTime() - afterMs, to.getTime() + beforeMs];
  return `StartTime BETWEEN '${rfc3339(earliest)}' AND '${rfc3339(latest)}'`;
}

export function isCreatedWithin(execution: Execution, { from, to = LATEST }: TimeSpan): boolean {
  const createdAt = new Date(createdAtOfStep(execution));
  return createdAt >= from && createdAt <= to;
}

// Temporal reads RFC 3339, whose years have four digits. An offset can lead to a year beyond them.
function rfc3339(milliseconds: number): string {
  const inRange = Math.min(Math.max(milliseconds, EARLIEST.getTime()), LATEST.getTime());
  return new Date(inRange).toISOString();
}
