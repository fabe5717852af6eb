import { CancelledFailure } from '@temporalio/common';
import type { Logger } from '../logging/logger.ts';
import { toApplicationFailure } from './application-failure.ts';
import { TryLater } from './try-later.ts';

type Activity = (...args: never[]) => Promise<unknown>;

/** Wraps every activity so that nothing it throws leaves the process unmapped. */
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

function logUnexpected(logger: Logger, activity: string, error: unknown): void {
  const isExpected = error instanceof TryLater || error instanceof CancelledFailure;
  if (!isExpected) logger.error({ err: error, activity }, 'activity failed');
}
