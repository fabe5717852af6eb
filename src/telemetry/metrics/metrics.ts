/**
 * The metrics of a process, by what happened. Others call these functions and know no names of metrics. Where metrics
 * are off, the functions do nothing. docs/metrics.md is the reference for operators.
 */
import type { AwaitingInputReason } from '../../contracts/step.ts';
import { createBoundedValues } from './bounded-values.ts';
import { METRICS, WAITING_REASONS, type WaitingReason } from './definitions.ts';
import type { Meter } from './meter.ts';

export interface Metrics {
  /** @param seconds absent if nothing was sent */
  called(mcpServerId: string, outcome: string, seconds?: number): void;
  renewed(mcpServerId: string, result: string, seconds: number): void;
  deposited(mcpServerId: string): void;
  /** A paused step goes on. */
  resumed(reason: AwaitingInputReason, waitedSeconds: number): void;
  /** What waits now. Undefined: that is not known. */
  waiting(counts: WaitingCounts | undefined): void;
  /** How many sessions with MCP servers are open now. */
  connected(sessions: number): void;
  /** @param route the pattern of the route; undefined if the address has none */
  answered(route: string | undefined, status: number, seconds: number): void;
}

/** A reason that is absent is not known. */
export type WaitingCounts = Partial<Record<WaitingReason, number>>;

/** Admins choose the ids of servers. A process exports so many of them by name. */
const MAX_SERVERS = 200;
const BY_DEPOSIT: readonly AwaitingInputReason[] = ['needs-oauth-reauth', 'needs-oauth-scope'];

export function createMetrics(meter: Meter): Metrics {
  const instruments = instrumentsOf(meter);
  const serverOf = createBoundedValues(MAX_SERVERS);
  return {
    called(mcpServerId, outcome, seconds) {
      const server = serverOf(mcpServerId);
      instruments.calls.record(1, { server, outcome });
      if (seconds !== undefined) instruments.callSeconds.record(seconds, { server });
    },
    renewed(mcpServerId, result, seconds) {
      const server = serverOf(mcpServerId);
      instruments.renewals.record(1, { server, result });
      instruments.renewalSeconds.record(seconds, { server });
    },
    deposited: (mcpServerId) => instruments.deposits.record(1, { server: serverOf(mcpServerId) }),
    resumed(reason, waitedSeconds) {
      // A workflow's clock is the server's, and a reset may set it back.
      instruments.waitSeconds.record(Math.max(0, waitedSeconds), { reason });
      if (BY_DEPOSIT.includes(reason)) instruments.resumptions.record(1, {});
    },
    waiting(counts) {
      if (counts === undefined) return instruments.waitingSteps.clear();
      for (const reason of WAITING_REASONS) {
        const count = counts[reason];
        if (count !== undefined) instruments.waitingSteps.record(count, { reason });
      }
    },
    connected: (sessions) => instruments.mcpConnections.record(sessions, {}),
    answered(route = 'unknown', status, seconds) {
      instruments.httpRequestSeconds.record(seconds, { route, status: String(status) });
    },
  };
}

/** Records nothing. */
export const NO_METRICS: Metrics = {
  called() {},
  renewed() {},
  deposited() {},
  resumed() {},
  waiting() {},
  connected() {},
  answered() {},
};

function instrumentsOf(meter: Meter) {
  return {
    calls: meter.instrument(METRICS.calls),
    callSeconds: meter.instrument(METRICS.callSeconds),
    renewals: meter.instrument(METRICS.renewals),
    renewalSeconds: meter.instrument(METRICS.renewalSeconds),
    deposits: meter.instrument(METRICS.deposits),
    resumptions: meter.instrument(METRICS.resumptions),
    waitingSteps: meter.instrument(METRICS.waitingSteps),
    waitSeconds: meter.instrument(METRICS.waitSeconds),
    mcpConnections: meter.instrument(METRICS.mcpConnections),
    httpRequestSeconds: meter.instrument(METRICS.httpRequestSeconds),
  };
}
