import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { appendAuditEvent } from '../audit/audit-log.ts';
import { historyRestored } from '../contracts/messages.ts';
import { disconnectCredential } from '../credentials/disconnect-credential.ts';
import {
  FIRST,
  listConnectedKeys,
  raiseVersions,
  recordTemporalRestored,
} from '../credentials/restoration.ts';
import { registerWaitersAnew } from '../credentials/waiter-store.ts';
import type { Pool } from '../db/pool.ts';
import { lostDisconnects } from '../steps/lost-disconnects.ts';
import { type OpenStep, openSteps } from '../steps/open-steps.ts';
import { temporalCall } from '../steps/temporal-call.ts';

export interface RepairDependencies {
  pool: Pool;
  client: Client;
}

/** What one of the two databases needed, now that it is older than the other. */
export interface Repaired {
  openSteps: number;
  /** Of those: paused for a deposit, and registered anew. */
  waiters: number;
  /** Connections whose versions were raised. */
  raised?: number;
  /** Connections that their users had ended after the backup, and that are ended again. */
  disconnected?: number;
  /** Steps that were told that the call they are about to make may have been made. */
  told?: number;
}

const PAGE = 1_000;
const AT_ONCE = 25;

/**
 * After Postgres was restored from a backup, while Temporal was not: connections that their users ended since are
 * ended again (Temporal remembers the revocations), versions rise above all that steps can have seen, and every
 * step that waits for a deposit is registered anew. No process of Latchkey may run meanwhile. Again is harmless.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterPostgres({ pool, client }: RepairDependencies): Promise<Repaired> {
  const disconnected = await disconnectAgain(pool, client);
  const raised = await raiseVersions(pool);
  return recorded(pool, 'postgres', { ...(await registerAnew(pool, client)), raised, disconnected });
}

/**
 * After Temporal was restored from a backup, while Postgres was not: what an open step is about to call it may
 * have called in the time that is lost. Every step is told; those whose tool is not known to be safe to repeat ask
 * a person. Every step that waits for a deposit is registered anew. No process of Latchkey may run meanwhile.
 * Again is harmless.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterTemporal({ pool, client }: RepairDependencies): Promise<Repaired> {
  // First: it holds for every call that is scheduled now, even if what follows is cut short.
  await recordTemporalRestored(pool);
  let told = 0;
  const tell = async (steps: OpenStep[]) => {
    told += await tellAll(client, steps);
  };
  const found = await registerAnew(pool, client, tell);
  return recorded(pool, 'temporal', { ...found, told });
}

async function recorded(pool: Pool, restored: string, repaired: Repaired): Promise<Repaired> {
  await appendAuditEvent(pool, { action: 'repaired', actorUserId: null, details: { restored, ...repaired } });
  return repaired;
}

async function registerAnew(
  pool: Pool,
  client: Client,
  before: (steps: OpenStep[]) => Promise<void> = async () => {},
): Promise<Pick<Repaired, 'openSteps' | 'waiters'>> {
  const found = { openSteps: 0, waiters: 0 };
  for await (const steps of openSteps(client)) {
    await before(steps);
    const waiting = steps.filter(({ awaitsDeposit }) => awaitsDeposit);
    await registerWaitersAnew(pool, waiting);
    found.openSteps += steps.length;
    found.waiters += waiting.length;
  }
  return found;
}

async function tellAll(client: Client, steps: OpenStep[]): Promise<number> {
  let told = 0;
  for (let start = 0; start < steps.length; start += AT_ONCE) {
    const batch = steps.slice(start, start + AT_ONCE);
    const reached = await Promise.all(batch.map(({ workflowId }) => tell(client, workflowId)));
    told += reached.filter(Boolean).length;
  }
  return told;
}

async function tell(client: Client, workflowId: string): Promise<boolean> {
  try {
    await temporalCall(client, () => client.workflow.getHandle(workflowId).signal(historyRestored));
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function disconnectAgain(pool: Pool, client: Client): Promise<number> {
  const lost = await lostDisconnects(client);
  let disconnected = 0;
  for (let keys = await listConnectedKeys(pool, FIRST, PAGE); keys.length > 0; ) {
    for (const key of keys.filter((key) => lost.isLater(key))) {
      if ((await disconnectCredential(pool, key)) !== undefined) disconnected += 1;
    }
    const last = keys.at(-1) ?? FIRST;
    keys = await listConnectedKeys(pool, last, PAGE);
  }
  return disconnected;
}
