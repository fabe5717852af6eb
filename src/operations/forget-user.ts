import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CredentialWorkflows } from '../credentials/credential-workflows.ts';
import { listPendingRevocations } from '../credentials/retirement/disconnect-credential.ts';
import { countTombstones, purgeForgotten } from '../credentials/retirement/tombstone-store.ts';
import { listWaitingWorkflows } from '../credentials/waiters/waiter-store.ts';
import type { Pool } from '../db/pool.ts';
import { TemporalUnavailable } from '../temporal/temporal-call.ts';
import { whichAreOpen } from '../temporal/which-are-open.ts';
import { cancelAll, deleteHistories } from './end-executions.ts';
import { executionsOfUser } from './executions-of-user.ts';
import { type Wiped, wipeUser } from './wipe-user.ts';

export interface ForgetDependencies {
  pool: Pool;
  client: Client;
  workflows: CredentialWorkflows;
}

export interface ForgetOptions {
  /** For steps to end and grants to be revoked, at most. */
  waitMs: number;
  /** Also what Temporal still holds of the user's ended steps. */
  deleteHistory: boolean;
}

/** What became of a user. */
export interface Forgotten {
  userId: string;
  steps: {
    /** Told to end by this run. */
    cancelled: number;
    /** Of those, still open: they end as soon as a worker runs. */
    stillOpen: number;
  };
  /** What this run ended or deleted. */
  connections: number;
  waiters: number;
  results: number;
  connectionEvents: number;
  /** Grants that are still to be revoked at their authorization servers, in the background. */
  revocationsPending: number;
  /** Connections of which nothing is left. */
  tombstonesPurged: number;
  /** They go by themselves: once what is pending is revoked, and a renewal that was under way is over. */
  tombstonesLeft: number;
  /** Runs whose deletion was asked for; absent where it was not. */
  historiesDeleted?: number;
  /** Why it has to be run again, or nothing: what else is left goes by itself. */
  runAgain?: 'temporal-unavailable' | 'steps-still-open';
}

const LOOK_EVERY_MS = 500;
/** Temporal's visibility lags by about a second: a step that was started right before may show only then. */
const VISIBLE_WITHIN_MS = 2_000;
const REVOCATIONS = 1_000;

/**
 * Forgets a user: cancels the open steps, disconnects everything, has the grants revoked, and deletes what is
 * stored. Safe to run again at any time, also after it was killed; what a killed run has disconnected is revoked
 * and purged by the reconcile schedule. It does not keep the user out: that is for whoever issues the tokens.
 */
export async function forgetUser(
  deps: ForgetDependencies,
  userId: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  const until = Date.now() + options.waitMs;
  const cancelled = new Set<string>();
  // Steps first, so that none starts to wait for a credential that is not to come back.
  const reached = await ifTemporalAnswers(() => cancelOpenSteps(deps, userId, cancelled));
  const first = await wipeAndRevoke(deps, userId, cancelled.size);
  const stillOpen = reached
    ? await ifTemporalAnswers(() => untilEnded(deps, userId, cancelled, until))
    : undefined;
  // What steps that were about to end have left behind.
  const second = await wipeAndRevoke(deps, userId, 0);
  const revocationsPending = await untilRevoked(deps, userId, until);
  const tombstonesPurged = await purgeForgotten(deps.pool, userId);
  const histories = options.deleteHistory
    ? await ifTemporalAnswers(() => deleteEnded(deps.client, userId))
    : undefined;
  const runAgain = whyAgain(stillOpen?.value, options.deleteHistory && histories === undefined);
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

/** Undefined: Temporal can't be reached. The database's part does not wait for it. */
async function ifTemporalAnswers<T>(ask: () => Promise<T>): Promise<{ value: T } | undefined> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (error instanceof TemporalUnavailable) return undefined;
    throw error;
  }
}

// Waiters name what visibility may not show yet, and steps under ids of their own.
async function cancelOpenSteps(
  { pool, client }: ForgetDependencies,
  userId: string,
  cancelled: Set<string>,
): Promise<void> {
  const visible = (await executionsOfUser(client, userId, 'open')).map(({ workflowId }) => workflowId);
  const waiting = await whichAreOpen(client, await listWaitingWorkflows(pool, userId));
  const fresh = [...new Set([...visible, ...waiting])].filter((id) => !cancelled.has(id));
  await cancelAll(client, fresh);
  for (const id of fresh) cancelled.add(id);
}

/** How many are open when all have ended, or time is up. Steps that only show now are cancelled too. */
async function untilEnded(
  deps: ForgetDependencies,
  userId: string,
  cancelled: Set<string>,
  until: number,
): Promise<number> {
  const shownBy = Date.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    await delay(LOOK_EVERY_MS);
    const known = cancelled.size;
    await cancelOpenSteps(deps, userId, cancelled);
    const open = await whichAreOpen(deps.client, [...cancelled]);
    const isOver = open.length === 0 && cancelled.size === known && Date.now() >= shownBy;
    if (isOver || Date.now() >= Math.max(until, shownBy)) return open.length;
  }
}

async function wipeAndRevoke(deps: ForgetDependencies, userId: string, steps: number): Promise<Wiped> {
  const wiped = await wipeUser(deps.pool, userId, steps);
  const pending = await listPendingRevocations(deps.pool, REVOCATIONS, userId);
  for (const { version, ...key } of pending) await deps.workflows.startRevocation(key, version);
  return wiped;
}

async function untilRevoked({ pool }: ForgetDependencies, userId: string, until: number): Promise<number> {
  for (;;) {
    const pending = await listPendingRevocations(pool, REVOCATIONS, userId);
    if (pending.length === 0 || Date.now() >= until) return pending.length;
    await delay(LOOK_EVERY_MS);
  }
}

async function deleteEnded(client: Client, userId: string): Promise<number> {
  const ended = await executionsOfUser(client, userId, 'ended');
  await deleteHistories(client, ended);
  return ended.length;
}

function whyAgain(stillOpen: number | undefined, historiesLeft: boolean): Forgotten['runAgain'] {
  if (stillOpen === undefined || historiesLeft) return 'temporal-unavailable';
  return stillOpen > 0 ? 'steps-still-open' : undefined;
}

function sumOf(first: Wiped, second: Wiped) {
  return {
    connections: first.disconnected.length + second.disconnected.length,
    waiters: first.waiters + second.waiters,
    results: first.results + second.results,
    connectionEvents: first.connectionEvents + second.connectionEvents,
  };
}
