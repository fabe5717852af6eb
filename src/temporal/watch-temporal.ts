import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import type { Availability } from '../logging/availability.ts';

const PROBE_INTERVAL_MS = 1_000;
const PROBE_TIMEOUT_MS = 5_000;

export interface WatchedTemporal extends Availability {
  /**
   * A call has exceeded its deadline, because of an outage or because a step has no worker. Temporal is probed; if it
   * does not answer, that is an outage with this cause.
   */
  suspected(cause: string): void;
  /** From now on an outage is probed over this connection until it ends, or until `closed` aborts. */
  watch(connection: ConnectionLike, closed: AbortSignal): void;
  /** Whether Temporal answers now, within 5 s. False if no connection is watched. */
  answers(): Promise<boolean>;
}

/**
 * Watches whether Temporal is available. The SDK reports each call that fails, but not the first that succeeds again.
 * So after the report of an outage, Temporal is probed until it answers.
 */
export function watchTemporal(availability: Availability): WatchedTemporal {
  let isProbing = false;
  let watched: Watched | undefined;
  const probe = (run: (watched: Watched) => Promise<void>) => {
    if (watched === undefined || isProbing) return;
    isProbing = true;
    void run(watched).finally(() => {
      isProbing = false;
    });
  };
  return {
    unavailable(cause) {
      availability.unavailable(cause);
      probe((current) => probeUntilAvailable(current, availability));
    },
    suspected: (cause) =>
      probe(async (current) => {
        if ((await answers(current)) || current.closed.aborted) return;
        availability.unavailable(cause);
        await probeUntilAvailable(current, availability);
      }),
    available: () => availability.available(),
    answers: async () => watched !== undefined && (await answers(watched)),
    watch(connection, closed) {
      watched = { connection, closed };
    },
  };
}

interface Watched {
  connection: ConnectionLike;
  closed: AbortSignal;
}

async function probeUntilAvailable(watched: Watched, availability: Availability): Promise<void> {
  const { closed } = watched;
  for (;;) {
    await delay(PROBE_INTERVAL_MS, undefined, { ref: false });
    if (closed.aborted) return;
    if ((await answers(watched)) && !closed.aborted) return availability.available();
  }
}

function answers({ connection }: Watched): Promise<boolean> {
  const request = () => connection.workflowService.getSystemInfo({});
  return connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, request).then(
    () => true,
    () => false,
  );
}
