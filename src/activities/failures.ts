import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import type { Logger } from '../logging/logger.ts';

/** An expected reason to retry the activity: another process holds the lease, or an authorization server is down. */
export class TryLater extends Error {
  /** Milliseconds until the next attempt. */
  readonly afterMs: number;

  constructor(reason: string, afterMs: number) {
    super(reason);
    this.name = 'TryLater';
    this.afterMs = afterMs;
  }
}

type Activity = (...args: never[]) => Promise<unknown>;

/** Wraps every activity so that each error is logged and mapped before it leaves the process. */
export function guardActivities<T extends { [K in keyof T]: Activity }>(activities: T, logger: Logger): T {
  const guarded = Object.entries<Activity>(activities).map(([name, activity]) => [
    name,
    (...args: never[]) =>
      activity(...args).catch((error: unknown) => {
        logUnexpected(logger, name, error);
        throw toApplicationFailure(error);
      }),
  ]);
  // The cast is safe: every entry keeps its name and signature.
  return Object.fromEntries(guarded) as T;
}

/**
 * Maps an error to the failure that Temporal's history records. A whitelist, because the message, cause or properties
 * of another library's error may hold a secret: they stay in this process.
 */
function toApplicationFailure(error: unknown): Error {
  if (error instanceof TryLater) {
    return ApplicationFailure.create({
      type: 'TryLater',
      message: error.message,
      nextRetryDelay: error.afterMs,
      // Expected and retried: the SDK logs no warning and counts no failure.
      category: ApplicationFailureCategory.BENIGN,
    });
  }
  if (error instanceof CancelledFailure) return error;
  return ApplicationFailure.create({
    type: 'Unexpected',
    message: 'unexpected failure; see the log of the worker',
  });
}

function logUnexpected(logger: Logger, activity: string, error: unknown): void {
  const isExpected = error instanceof TryLater || error instanceof CancelledFailure;
  if (!isExpected) logger.error({ err: error, activity }, 'activity failed');
}
