import type { Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { appendAuditEvent } from '../audit/audit-log.ts';
import type { OperatorConfig } from '../config/load-config.ts';
import { credentialsRestored, historyRestored } from '../contracts/messages.ts';
import {
  FIRST,
  listConnectedKeys,
  raiseVersions,
  recordTemporalRestored,
} from '../credentials/restoration.ts';
import { disconnectCredential } from '../credentials/retirement/disconnect-credential.ts';
import type { Pool } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { IS_STEP } from '../steps/step-types.ts';
import { activePollers } from '../temporal/pollers.ts';
import { temporalTime } from '../temporal/server-time.ts';
import { isNotFound, temporalCall } from '../temporal/temporal-call.ts';
import { listWorkflowIds } from '../temporal/visibility.ts';
import { lostDisconnects } from './lost-disconnects.ts';
import { withOperatorConnections } from './operator-connections.ts';

/** The one of the two databases that was restored from a backup. */
export type Restored = 'postgres' | 'temporal';

export type RepairOutcome =
  | { kind: 'repaired'; repaired: Repaired }
  /** Nothing was done, because a running worker would continue with the wrong state. */
  | { kind: 'workers-running'; workers: string[] };

export interface RepairOptions {
  restored: Restored;
  /** Skips the check for workers that polled within the last minute: they have been stopped since. */
  workersAreStopped: boolean;
}

export interface RepairDependencies {
  pool: Pool;
  client: Client;
}

/** What was repaired after one of the two databases was restored to an earlier state than the other. */
export interface Repaired {
  /** Open steps that were signalled. A step that waits for a deposit registers its waiter again. */
  told: number;
  /** Connections whose versions were raised. */
  raised?: number;
  /** Connections that their users had ended after the backup, and that were ended again. */
  disconnected?: number;
}

const PAGE_SIZE = 1_000;
/** The audit log names no user: operators do not sign in. */
const OPERATOR = null;
const OPEN_STEPS = `${IS_STEP} AND ExecutionStatus = 'Running'`;

/**
 * `latchkey repair`. Safe to run again, which is necessary after an error.
 *
 * @throws TemporalUnavailable, or the error of a database that is away
 */
export function runRepair(
  config: OperatorConfig,
  logger: Logger,
  { restored, workersAreStopped }: RepairOptions,
): Promise<RepairOutcome> {
  return withOperatorConnections(config, logger, async ({ pool, client }) => {
    const workers = workersAreStopped ? [] : await activePollers(client, config.taskQueue);
    if (workers.length > 0) return { kind: 'workers-running', workers };
    const repair = restored === 'postgres' ? repairAfterPostgres : repairAfterTemporal;
    return { kind: 'repaired', repaired: await repair({ pool, client }) };
  });
}

/**
 * Repairs after Postgres was restored from a backup and Temporal was not. Ends the connections again that users ended
 * after the backup (Temporal still knows their revocations), raises all versions above those that steps can have seen,
 * and signals every open step. No process of Latchkey may run meanwhile.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterPostgres({ pool, client }: RepairDependencies): Promise<Repaired> {
  const disconnected = await disconnectAgain(pool, client);
  const raised = await raiseVersions(pool);
  const told = await signalOpenSteps(client, credentialsRestored);
  return recorded(pool, 'postgres', { told, raised, disconnected });
}

/**
 * Repairs after Temporal was restored from a backup and Postgres was not. An open step may have made its next call
 * already, in the time that the backup does not cover. So every open step is signalled, and asks a person first unless
 * its tool is known to be safe to repeat. No process of Latchkey may run meanwhile.
 *
 * @throws TemporalUnavailable
 */
export async function repairAfterTemporal({ pool, client }: RepairDependencies): Promise<Repaired> {
  // First, because it protects every call that is scheduled now, even if the signals are interrupted.
  await recordTemporalRestored(pool, await temporalTime(client));
  return recorded(pool, 'temporal', { told: await signalOpenSteps(client, historyRestored) });
}

async function recorded(pool: Pool, restored: string, repaired: Repaired): Promise<Repaired> {
  await appendAuditEvent(pool, {
    action: 'repaired',
    actorUserId: OPERATOR,
    details: { restored, ...repaired },
  });
  return repaired;
}

async function signalOpenSteps(client: Client, restored: SignalDefinition): Promise<number> {
  let told = 0;
  for await (const steps of listWorkflowIds(client, OPEN_STEPS)) {
    const reached = await mapConcurrently(steps, (workflowId) => signalStep(client, workflowId, restored));
    told += reached.filter(Boolean).length;
  }
  return told;
}

async function signalStep(client: Client, workflowId: string, restored: SignalDefinition): Promise<boolean> {
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
  for (let keys = await listConnectedKeys(pool, FIRST, PAGE_SIZE); keys.length > 0; ) {
    for (const key of keys.filter((key) => lost.disconnectedAfter(key))) {
      if ((await disconnectCredential(pool, key, OPERATOR)) !== undefined) disconnected += 1;
    }
    const last = keys.at(-1) ?? FIRST;
    keys = await listConnectedKeys(pool, last, PAGE_SIZE);
  }
  return disconnected;
}
