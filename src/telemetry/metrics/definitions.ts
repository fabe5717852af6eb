import { AWAITING_INPUT_REASONS } from '../../contracts/step.ts';

export type Labels = Readonly<Record<string, string>>;

/** One metric. docs/metrics.md is the reference for operators, and a test compares it with this file. */
export interface MetricDefinition {
  name: `latchkey_${string}`;
  kind: 'counter' | 'histogram' | 'gauge';
  help: string;
  /** No label may name a user, and each has a limited number of values. */
  labels: readonly string[];
  /** Upper bounds of a histogram, in seconds. */
  buckets?: readonly number[];
  /** Label values that are exported before the first record, so that a rate can be computed from the first one on. */
  known?: readonly Labels[];
}

/** Seconds. */
const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

/** What `latchkey_waiting_steps` counts: the reasons of a pause, and steps of servers that an admin has paused. */
export const WAITING_REASONS = [...AWAITING_INPUT_REASONS, 'server-paused'] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

export const METRICS = {
  calls: {
    name: 'latchkey_calls_total',
    kind: 'counter',
    help: 'Calls of tools, by MCP server and outcome.',
    labels: ['server', 'outcome'],
  },
  callSeconds: {
    name: 'latchkey_call_seconds',
    kind: 'histogram',
    help: 'Seconds from the start of a call until its outcome. Calls that were not sent are left out.',
    labels: ['server'],
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR],
  },
  renewals: {
    name: 'latchkey_renewals_total',
    kind: 'counter',
    help: 'Renewals of access tokens that this process made under the lease, by MCP server and result.',
    labels: ['server', 'result'],
  },
  renewalSeconds: {
    name: 'latchkey_renewal_seconds',
    kind: 'histogram',
    help: 'Seconds of a renewal under the lease, from its preparation until the tokens are stored.',
    labels: ['server'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 2 * MINUTE],
  },
  deposits: {
    name: 'latchkey_deposits_total',
    kind: 'counter',
    help: 'Deposits of credentials that were accepted, by MCP server.',
    labels: ['server'],
  },
  resumptions: {
    name: 'latchkey_resumptions_total',
    kind: 'counter',
    help: 'Paused steps that went on by themselves after a deposit.',
    labels: [],
  },
  waitingSteps: {
    name: 'latchkey_waiting_steps',
    kind: 'gauge',
    help: 'Steps of all workers that wait now, by reason. Every worker exports the same number: take the maximum, not the sum.',
    labels: ['reason'],
  },
  waitSeconds: {
    name: 'latchkey_wait_seconds',
    kind: 'histogram',
    help: 'Seconds that a step was paused, by reason, observed when it goes on.',
    labels: ['reason'],
    buckets: [
      ...[1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR],
      ...[1, 3, 7, 14, 30, 90, 180, 365].map((days) => days * DAY),
    ],
    known: AWAITING_INPUT_REASONS.map((reason) => ({ reason })),
  },
  mcpConnections: {
    name: 'latchkey_mcp_connections',
    kind: 'gauge',
    help: 'Sessions with MCP servers that this process keeps open.',
    labels: [],
  },
  httpRequestSeconds: {
    name: 'latchkey_http_request_seconds',
    kind: 'histogram',
    help: "Seconds from a request of the HTTP API until its answer was sent, by the route's pattern and status.",
    labels: ['route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE],
  },
} as const satisfies Record<string, MetricDefinition>;
