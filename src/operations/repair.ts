import type { Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { forEachOf } from '../async/for-each-of.ts';
import { appendAuditEvent } from '../audit/audit-log.ts';
import { credentialsRestored, historyRestored } from '../contracts/messages.ts';
import {
  FIRST,
  listConnectedKeys,
  raiseVersions,
  recordTemporalRestored,
} from '../credentials/restoration.ts';
import { disconnectCredential } from '../credentials/retirement/disconnect-credential.ts';
import type { Pool } from '../db/pool.ts';
import { temporalTime } from '../temporal/server-time.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { workflowIds } from '../temporal/visibility.ts';
import { lostDisconnects } from './lost-disconnects.ts';

export interface RepairDependencies {
  pool: Pool;
  client: Client;
}

/** What one of the two databases needed, now that it is older than the other. */
export interface Repaired {
  /** Steps that were told, of all that have not ended; those that wait for a deposit register anew. */
  told: number;
  /** Connections whose versions were raised. */
  raised?: number;
  /** Connections that their users had ended after the backup, and that are ended again. */
  disconnected?: number;
}

const PAGE = 1_000;
/** Whom the audit log names: nobody who signs in. */
const OPERATOR = null;
const OPEN_STEPS = "WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running'";

/**
 * After Postgres was restored from a backup, while Temporal was not: connections that their users ended since are
 * ended again (Temporal remembers the revocations), versions rise above all that steps can have seen, and every
 * open step is told. No process of Latchkey may run meanwhile.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterPostgres({ pool, client }: RepairDependencies): Promise<Repaired> {
  const disconnected = await disconnectAgain(pool, client);
  const raised = await raiseVersions(pool);
  const told = await tellOpenSteps(client, credentialsRestored);
  return recorded(pool, 'postgres', { told, raised, disconnected });
}

/**
 * After Temporal was restored from a backup, while Postgres was not: what an open step is about to call it may
 * have called in the time that is lost. Every step is told; those whose tool is not known to be safe to repeat ask
 * a person. No process of Latchkey may run meanwhile.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterTemporal({ pool, client }: RepairDependencies): Promise<Repaired> {
  // First: it holds for every call that is scheduled now, even if what follows is cut short.
  await recordTemporalRestored(pool, await temporalTime(client));
  return recorded(pool, 'temporal', { told: await tellOpenSteps(client, historyRestored) });
}

async function recorded(pool: Pool, restored: string, repaired: Repaired): Promise<Repaired> {
  await appendAuditEvent(pool, {
    action: 'repaired',
    actorUserId: OPERATOR,
    details: { restored, ...repaired },
  });
  return repaired;
}

async function tellOpenSteps(client: Client, restored: SignalDefinition): Promise<number> {
  let told = 0;
  for await (const steps of workflowIds(client, OPEN_STEPS)) {
    const reached = await forEachOf(steps, (workflowId) => tell(client, workflowId, restored));
    told += reached.filter(Boolean).length;
  }
  return told;
}

async function tell(client: Client, workflowId: string, restored: SignalDefinition): Promise<boolean> {
  try {
    await temporalCall(client, () => client.workflow.getHandle(workflowId).signal(restored));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function disconnectAgain(pool: Pool, client: Client): Promise<number> {
  const lost = await lostDisconnects(client);
  let disconnected = 0;
  for (let keys = await listConnectedKeys(pool, FIRST, PAGE); keys.length > 0; ) {
    for (const key of keys.filter((key) => lost.isLater(key))) {
      if ((await disconnectCredential(pool, key, OPERATOR)) !== undefined) disconnected += 1;
    }
    const last = keys.at(-1) ?? FIRST;
    keys = await listConnectedKeys(pool, last, PAGE);
  }
  return disconnected;
}
