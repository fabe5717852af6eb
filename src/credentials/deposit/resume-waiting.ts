import type { CredentialKey } from '../../contracts/activities.ts';
import type { Pool } from '../../db/pool.ts';
import type { Metrics } from '../../telemetry/metrics/metrics.ts';
import { countDueWaiters } from '../waiters/waiter-store.ts';

/** `changed`: false if everything was stored already; then the version stays. */
export interface Stored {
  kind: 'stored';
  changed: boolean;
  version: number;
  resuming: number;
}

/** With `validateOnly`: what `Stored` would be. Nothing was stored. */
export type Rehearsed = Omit<Stored, 'kind'> & { kind: 'valid' };

export interface ResumptionDependencies {
  pool: Pool;
  /** Starts `resumeSteps`. Must not throw: the reconcile schedule finds a resumption that was not started. */
  startResumption: (key: CredentialKey, version: number) => Promise<void>;
  /** Removes the user's waiters whose steps have ended without removing them. Default: such waiters are counted. */
  forgetEndedWaiters?: (userId: string) => Promise<void>;
  /** Absent: deposits are not counted. */
  metrics?: Metrics;
}

/**
 * Wakes the steps that wait for a deposit. They are counted after the commit: a step that registers later reads the new
 * version by itself.
 */
export async function withResumption(
  deps: ResumptionDependencies,
  key: CredentialKey,
  stored: Stored,
): Promise<Stored> {
  deps.metrics?.deposited(key.mcpServerId);
  const resuming = await countResuming(deps, key, stored.version);
  if (resuming > 0) await deps.startResumption(key, stored.version);
  return { ...stored, resuming };
}

/** Counts the steps that the deposit would wake. */
export async function rehearsed(
  { pool }: ResumptionDependencies,
  key: CredentialKey,
  stored: Stored,
): Promise<Rehearsed> {
  return { ...stored, kind: 'valid', resuming: await countDueWaiters(pool, key, stored.version) };
}

async function countResuming(
  { pool, forgetEndedWaiters }: ResumptionDependencies,
  key: CredentialKey,
  version: number,
): Promise<number> {
  if ((await countDueWaiters(pool, key, version)) === 0) return 0;
  await forgetEndedWaiters?.(key.userId);
  return countDueWaiters(pool, key, version);
}
