import { setTimeout as delay } from 'node:timers/promises';
import {
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { WatchedTemporal } from './watch-temporal.ts';

export interface TemporalConnection {
  connection: Connection;
  /** Resolves when no retry is pending. While Temporal is away that takes up to 6 s. */
  close(): Promise<void>;
}

/** Longer than the error of a timer by rounding. */
const MARGIN_MS = 10;

/** @see https://grpc.io/docs/guides/status-codes/ */
const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const DEADLINE_EXCEEDED = 4;

/**
 * Opens a connection that connects with the first call, and again after an outage. The SDK repeats calls on timers that
 * are not bound to the connection. A timer that fires after the connection is closed throws an error that can't be
 * caught, which ends the process. So `close` allows no further retry and waits for the last timer.
 *
 * @param temporal is notified of outages that calls meet
 */
export function openTemporalConnection(
  options: ConnectionOptions,
  temporal?: WatchedTemporal,
): TemporalConnection {
  const { delayFunction, retryableDecider } = defaultGrpcRetryOptions();
  let isClosing = false;
  let lastRetryAt = 0;
  const retries = makeGrpcRetryInterceptor({
    retryableDecider(attempt, status) {
      if (!isClosing && temporal !== undefined) reportOutage(temporal, status.code);
      return !isClosing && retryableDecider(attempt, status);
    },
    delayFunction(attempt, status) {
      const ms = delayFunction(attempt, status);
      lastRetryAt = Math.max(lastRetryAt, performance.now() + ms);
      return ms;
    },
  });
  const connection = Connection.lazy({ ...options, interceptors: [retries] });
  const closing = new AbortController();
  temporal?.watch(connection, closing.signal);
  return {
    connection,
    async close() {
      isClosing = true;
      closing.abort();
      const left = lastRetryAt - performance.now();
      if (left > -MARGIN_MS) await delay(left + MARGIN_MS);
      await connection.close();
    },
  };
}

function reportOutage(temporal: WatchedTemporal, code: number): void {
  switch (code) {
    case UNAVAILABLE:
      temporal.unavailable('unavailable');
      break;
    case RESOURCE_EXHAUSTED:
      temporal.unavailable('resource-exhausted');
      break;
    case DEADLINE_EXCEEDED:
      temporal.suspected('deadline-exceeded');
      break;
  }
}
