import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import type { Availability } from './availability.ts';

const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 5_000;

export interface WatchedTemporal extends Availability {
  /** From now on an outage is watched to its end over this connection, until `ended`. */
  watch(connection: ConnectionLike, ended: AbortSignal): void;
}

/**
 * The SDK tells of each call that fails, and not when one succeeds again: so once it has told of an outage,
 * Temporal is asked until it answers.
 */
export function watchTemporal(availability: Availability): WatchedTemporal {
  let isAsking = false;
  let watched: { connection: ConnectionLike; ended: AbortSignal } | undefined;
  return {
    unavailable(cause) {
      availability.unavailable(cause);
      if (watched === undefined || isAsking) return;
      isAsking = true;
      void untilAnswered(watched.connection, watched.ended, availability).finally(() => {
        isAsking = false;
      });
    },
    available: () => availability.available(),
    watch(connection, ended) {
      watched = { connection, ended };
    },
  };
}

async function untilAnswered(
  connection: ConnectionLike,
  ended: AbortSignal,
  availability: Availability,
): Promise<void> {
  const ask = () => connection.workflowService.getSystemInfo({});
  for (;;) {
    await delay(ASK_EVERY_MS, undefined, { ref: false });
    if (ended.aborted) return;
    const isBack = await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, ask).then(
      () => true,
      () => false,
    );
    if (isBack && !ended.aborted) return availability.available();
  }
}
