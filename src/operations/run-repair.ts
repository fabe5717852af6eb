import type { OperatorConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { activePollers } from '../temporal/pollers.ts';
import { withOperatorConnections } from './operator-connections.ts';
import { type Repaired, repairAfterPostgres, repairAfterTemporal } from './repair.ts';

/** Which of the two databases was restored from a backup, while the other was not. */
export type Restored = 'postgres' | 'temporal';

export type RepairOutcome =
  | { kind: 'repaired'; repaired: Repaired }
  /** Nothing was done: a worker would go on with what is wrong. */
  | { kind: 'workers-running'; workers: string[] };

export interface RepairOptions {
  restored: Restored;
  /** Whoever asked for tasks just now has ended meanwhile. */
  workersAreStopped: boolean;
}

/**
 * `latchkey repair`.
 *
 * @throws TemporalUnavailable, or the error of a database that is away; then it is to be run again
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
