import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { OperatorConfig } from '../config/load-config.ts';
import { type CredentialWorkflows, createCredentialWorkflows } from '../credentials/credential-workflows.ts';
import { listPendingRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { countTombstones, purgeForgotten } from '../credentials/retirement/tombstone-store.ts';
import { listWaitingWorkflows } from '../credentials/waiters/waiter-life-store.ts';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { filterOpen } from '../temporal/filter-open.ts';
import { TemporalUnavailable } from '../temporal/temporal-call.ts';
import { cancelAll, deleteHistories, executionsOfUser } from './executions-of-user.ts';
import { withOperatorConnections } from './operator-connections.ts';
import { type Wiped, wipeUser } from './wipe-user.ts';

export interface ForgetDependencies {
  pool: Pool;
  client: Client;
  workflows: CredentialWorkflows;
}

export interface ForgetOptions {
  /** How long to wait at most for steps to end and grants to be revoked. */
  waitMs: number;
  /** Also deletes what Temporal still holds of the user's ended steps. */
  deleteHistory: boolean;
}

/** What a run has done, and what is left. */
export interface Forgotten {
  userId: string;
  steps: {
    /** Cancelled by this run. */
    cancelled: number;
    /** Cancelled and still open. These steps end as soon as a worker runs. */
    stillOpen: number;
  };
  /** Connections that this run ended. This run deleted the rows counted below. */
  connections: number;
  waiters: number;
  results: number;
  connectionEvents: number;
  connectSessions: number;
  webSessions: number;
  /** Grants that are still being revoked at their authorization servers, in the background. */
  revocationsPending: number;
  /** Ended connections whose rows this run deleted. */
  tombstonesPurged: number;
  /** Rows that the schedule deletes later, once pending revocations and renewals under way have ended. */
  tombstonesLeft: number;
  /** Runs whose histories Temporal was asked to delete. Absent without `deleteHistory`. */
  historiesDeleted?: number;
  /** Why the command has to be run again. Absent if everything that is left goes by itself. */
  runAgain?: 'temporal-unavailable' | 'steps-still-open';
}

const POLL_INTERVAL_MS = 500;
/** Temporal's visibility lags by about a second: it may not show a step that was started just before. */
const VISIBILITY_LAG_MS = 2_000;
const MAX_REVOCATIONS = 1_000;

/** `latchkey users forget`. Works on the database also while Temporal is down. */
export function runForgetUser(
  config: OperatorConfig,
  logger: Logger,
  userId: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  return withOperatorConnections(config, logger, ({ pool, client }) => {
    const workflows = createCredentialWorkflows({ client, taskQueue: config.taskQueue, logger });
    return forgetUser({ pool, client, workflows }, userId, options);
  });
}

/**
 * Forgets a user: cancels the open steps, ends all connections, starts the revocation of their grants, and deletes
 * what is stored. Safe to run again at any time, also after it was killed: the reconcile schedule revokes and purges
 * what a killed run has disconnected. Does not block the user; the issuer of the user's tokens has to do that.
 */
export async function forgetUser(
  deps: ForgetDependencies,
  userId: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  const until = Date.now() + options.waitMs;
  const cancelled = new Set<string>();
  // Steps first, so that no step begins to wait for a credential that is about to be deleted.
  const reached = await unlessTemporalUnavailable(() => cancelOpenSteps(deps, userId, cancelled));
  const first = await wipeAndRevoke(deps, userId, cancelled.size);
  const stillOpen = reached
    ? await unlessTemporalUnavailable(() => untilEnded(deps, userId, cancelled, until))
    : undefined;
  // Wipes again, because steps may have stored something while they ended.
  const second = await wipeAndRevoke(deps, userId, 0);
  const revocationsPending = await untilRevoked(deps, userId, until);
  const tombstonesPurged = await purgeForgotten(deps.pool, userId);
  const histories = options.deleteHistory
    ? await unlessTemporalUnavailable(() => deleteEnded(deps.client, userId))
    : undefined;
  const runAgain = reasonToRunAgain(stillOpen?.value, options.deleteHistory && histories === undefined);
  return {
    userId,
    steps: { cancelled: cancelled.size, stillOpen: stillOpen?.value ?? cancelled.size },
    ...sumOf(first, second),
    revocationsPending,
    tombstonesPurged,
    tombstonesLeft: await countTombstones(deps.pool, userId),
    ...(histories !== undefined && { historiesDeleted: histories.value }),
    ...(runAgain !== undefined && { runAgain }),
  };
}

/** Returns undefined if Temporal can't be reached, so that the work on the database goes on. */
async function unlessTemporalUnavailable<T>(work: () => Promise<T>): Promise<{ value: T } | undefined> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof TemporalUnavailable) return undefined;
    throw error;
  }
}

// Waiters also name steps that visibility does not show yet, and steps under ids of another form.
async function cancelOpenSteps(
  { pool, client }: ForgetDependencies,
  userId: string,
  cancelled: Set<string>,
): Promise<void> {
  const visible = (await executionsOfUser(client, userId, 'open')).map(({ workflowId }) => workflowId);
  const waiting = await filterOpen(client, await listWaitingWorkflows(pool, userId));
  const fresh = [...new Set([...visible, ...waiting])].filter((id) => !cancelled.has(id));
  await cancelAll(client, fresh);
  for (const id of fresh) cancelled.add(id);
}

/**
 * Waits until all steps have ended or the time is over, and returns how many are still open. Also cancels steps that
 * visibility shows only now.
 */
async function untilEnded(
  deps: ForgetDependencies,
  userId: string,
  cancelled: Set<string>,
  until: number,
): Promise<number> {
  const allVisibleAt = Date.now() + VISIBILITY_LAG_MS;
  for (;;) {
    await delay(POLL_INTERVAL_MS);
    const known = cancelled.size;
    await cancelOpenSteps(deps, userId, cancelled);
    const open = await filterOpen(deps.client, [...cancelled]);
    const isOver = open.length === 0 && cancelled.size === known && Date.now() >= allVisibleAt;
    if (isOver || Date.now() >= Math.max(until, allVisibleAt)) return open.length;
  }
}

async function wipeAndRevoke(deps: ForgetDependencies, userId: string, steps: number): Promise<Wiped> {
  const wiped = await wipeUser(deps.pool, userId, steps);
  const pending = await listPendingRevocations(deps.pool, MAX_REVOCATIONS, userId);
  for (const { version, ...key } of pending) await deps.workflows.startRevocation(key, version);
  return wiped;
}

async function untilRevoked({ pool }: ForgetDependencies, userId: string, until: number): Promise<number> {
  for (;;) {
    const pending = await listPendingRevocations(pool, MAX_REVOCATIONS, userId);
    if (pending.length === 0 || Date.now() >= until) return pending.length;
    await delay(POLL_INTERVAL_MS);
  }
}

async function deleteEnded(client: Client, userId: string): Promise<number> {
  const ended = await executionsOfUser(client, userId, 'ended');
  await deleteHistories(client, ended);
  return ended.length;
}

function reasonToRunAgain(stillOpen: number | undefined, historiesLeft: boolean): Forgotten['runAgain'] {
  if (stillOpen === undefined || historiesLeft) return 'temporal-unavailable';
  return stillOpen > 0 ? 'steps-still-open' : undefined;
}

function sumOf(first: Wiped, second: Wiped) {
  return {
    connections: first.disconnected.length + second.disconnected.length,
    waiters: first.waiters + second.waiters,
    results: first.results + second.results,
    connectionEvents: first.connectionEvents + second.connectionEvents,
    connectSessions: first.connectSessions + second.connectSessions,
    webSessions: first.webSessions + second.webSessions,
  };
}
