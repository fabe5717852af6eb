import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import { TryLater } from './try-later.ts';

/**
 * The one place where an error of ours becomes a failure in Temporal's history. By whitelist: what another
 * library wrote into a message, a cause or a property may hold a secret and stays in this process.
 */
export function toApplicationFailure(error: unknown): Error {
  if (error instanceof TryLater) {
    return ApplicationFailure.create({
      type: 'TryLater',
      message: error.message,
      nextRetryDelay: error.afterMs,
      // Expected and retried: no alarm, no error metric.
      category: ApplicationFailureCategory.BENIGN,
    });
  }
  if (error instanceof CancelledFailure) return error;
  return ApplicationFailure.create({
    type: 'Unexpected',
    message: 'unexpected failure; see the log of the worker',
  });
}
