import { randomUUID } from 'node:crypto';
import { mapConcurrently } from '../src/async/map-concurrently.ts';
import type { bareWait } from './bare/workflows.ts';
import { type ContenderName, startStep } from './contenders.ts';
import { terminateAll, untilCount, untilIdle } from './executions.ts';
import { CALL } from './names.ts';
import { startBare } from './start-bare.ts';
import type { World } from './world.ts';

const STARTS_AT_ONCE = 50;

/** Workflows that wait: steps of users without a connection, or bare ones that wait for a signal. */
export interface Paused {
  readonly contender: ContenderName;
  /** A list filter of those that it has started. */
  readonly query: string;
  /** The ids of the workflows that it has started. */
  readonly workflowIds: readonly string[];
  /** Starts so many more, and resolves when they wait. */
  pause(count: number): Promise<void>;
  /** Ends those that still wait, and deletes their rows. */
  end(): Promise<void>;
}

/** @param users who have not connected; they take turns. Only they have ids that start with `prefix` */
export function pausedSteps({ client, latchkey, pool }: World, prefix: string, users: number): Paused {
  const workflowIds: string[] = [];
  // As for bare workflows: a query by a search attribute of their own would cost Temporal's server more.
  const query = `WorkflowType = "mcpStep" AND WorkflowId STARTS_WITH "step/${prefix}"`;
  const open = `${query} AND ExecutionStatus = "Running"`;
  return {
    contender: 'step',
    query,
    workflowIds,
    async pause(count) {
      const ids = await startMany(count, (index) =>
        startStep(latchkey, { userId: `${prefix}${index % users}`, stepId: randomUUID() }),
      );
      workflowIds.push(...ids);
      const paused = `${open} AND McpStepStatus = "awaiting-input"`;
      await untilCount(client, paused, (listed) => listed >= workflowIds.length);
      await untilIdle(client, ids);
    },
    async end() {
      await terminateAll(client, open);
      await pool.query('DELETE FROM mcp_step_waiter WHERE starts_with(user_id, $1)', [prefix]);
    },
  };
}

/** @param userId whose token the workflow calls with once it is released */
export function pausedBare({ client }: World, userId: string): Paused {
  const workflowIds: string[] = [];
  const prefix = `waiting/${randomUUID()}`;
  const query = `WorkflowType = "bareWait" AND WorkflowId STARTS_WITH "${prefix}"`;
  const open = `${query} AND ExecutionStatus = "Running"`;
  const args: Parameters<typeof bareWait> = [{ userId, ...CALL }];
  const start = async () => {
    const workflowId = `${prefix}/${randomUUID()}`;
    await startBare(client, 'bareWait', { workflowId, args });
    return workflowId;
  };
  return {
    contender: 'bare',
    query,
    workflowIds,
    async pause(count) {
      const ids = await startMany(count, start);
      workflowIds.push(...ids);
      await untilIdle(client, ids);
    },
    end: () => terminateAll(client, open),
  };
}

function startMany(count: number, start: (index: number) => Promise<string>): Promise<string[]> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  return mapConcurrently(indexes, start, STARTS_AT_ONCE);
}
