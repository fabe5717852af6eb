import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import type { Availability } from '../logging/availability.ts';

const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 5_000;

export interface WatchedTemporal extends Availability {
  /**
   * A call has met its deadline: of an outage, or of a step without a worker. Temporal is asked, and where it does not
   * answer that is an outage by this cause.
   */
  suspected(cause: string): void;
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
  const asking = (ask: (of: NonNullable<typeof watched>) => Promise<void>) => {
    if (watched === undefined || isAsking) return;
    isAsking = true;
    void ask(watched).finally(() => {
      isAsking = false;
    });
  };
  return {
    unavailable(cause) {
      availability.unavailable(cause);
      asking(({ connection, ended }) => untilAnswered(connection, ended, availability));
    },
    suspected: (cause) =>
      asking(async ({ connection, ended }) => {
        if ((await answers(connection)) || ended.aborted) return;
        availability.unavailable(cause);
        await untilAnswered(connection, ended, availability);
      }),
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
  for (;;) {
    await delay(ASK_EVERY_MS, undefined, { ref: false });
    if (ended.aborted) return;
    if ((await answers(connection)) && !ended.aborted) return availability.available();
  }
}

function answers(connection: ConnectionLike): Promise<boolean> {
  const ask = () => connection.workflowService.getSystemInfo({});
  return connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, ask).then(
    () => true,
    () => false,
  );
}
