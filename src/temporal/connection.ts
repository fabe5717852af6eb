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
  /** Resolves when no call is left; while Temporal is away that takes up to 6 s. */
  close(): Promise<void>;
}

/** Longer than timers are late by rounding. */
const MARGIN_MS = 10;

/** @see https://grpc.io/docs/guides/status-codes/ */
const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const DEADLINE_EXCEEDED = 4;

/**
 * Connects with the first call, and again after an outage. The SDK repeats calls on timers that know nothing of the
 * connection: one that fires after its end throws where nobody can catch it, and ends the process. So the end waits
 * for the last of them, and lets none follow.
 *
 * @param temporal told of outages that calls meet
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
      if (!isClosing && temporal !== undefined) tell(temporal, status.code);
      return !isClosing && retryableDecider(attempt, status);
    },
    delayFunction(attempt, status) {
      const ms = delayFunction(attempt, status);
      lastRetryAt = Math.max(lastRetryAt, performance.now() + ms);
      return ms;
    },
  });
  const connection = Connection.lazy({ ...options, interceptors: [retries] });
  const ended = new AbortController();
  temporal?.watch(connection, ended.signal);
  return {
    connection,
    async close() {
      isClosing = true;
      ended.abort();
      const left = lastRetryAt - performance.now();
      if (left > -MARGIN_MS) await delay(left + MARGIN_MS);
      await connection.close();
    },
  };
}

function tell(temporal: WatchedTemporal, code: number): void {
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
