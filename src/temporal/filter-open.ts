import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { isNotFound, temporalCall } from './temporal-call.ts';
import { LAST_PAGE, listPage } from './visibility.ts';

/** temporal.api.enums.v1.WorkflowExecutionStatus: completed, failed, cancelled, terminated, timed out. */
const ENDED = [2, 3, 4, 5, 7];

/**
 * Returns the workflow ids whose latest run has not ended. Leaves out the ids that Temporal does not know. A status
 * that this version does not know counts as open.
 *
 * @param timeoutMs of each request
 * @throws TemporalUnavailable
 */
export async function filterOpen(
  client: Client,
  workflowIds: string[],
  timeoutMs?: number,
): Promise<string[]> {
  const open = await mapConcurrently(workflowIds, (workflowId) => isOpen(client, workflowId, timeoutMs));
  return workflowIds.filter((_, index) => open[index]);
}

/**
 * The same with fewer requests: those that Temporal lists as running count as open, and only the others are asked about
 * one by one. The list lags behind an end by about a second.
 *
 * @param workflowIds at most a hundred: the query names them
 * @param timeoutMs of each request; the list has half of it
 * @throws TemporalUnavailable
 */
export async function filterOpenOfMany(
  client: Client,
  workflowIds: string[],
  timeoutMs: number,
): Promise<string[]> {
  const running = await listRunning(client, workflowIds, timeoutMs / 2);
  const others = workflowIds.filter((workflowId) => !running.has(workflowId));
  const open = new Set([...running, ...(await filterOpen(client, others, timeoutMs))]);
  return workflowIds.filter((workflowId) => open.has(workflowId));
}

/** Finds none where the list is refused, throttled or slow: it only saves requests. */
async function listRunning(client: Client, workflowIds: string[], timeoutMs: number): Promise<Set<string>> {
  // A visibility query can't escape quotes.
  const ids = workflowIds.filter((workflowId) => !/['"\\]/.test(workflowId));
  if (ids.length === 0) return new Set();
  const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${ids.map((id) => `'${id}'`).join(', ')})`;
  const position = { pageSize: ids.length, nextPageToken: new Uint8Array() };
  const { executions } = await listPage(client, query, position, timeoutMs).catch(() => LAST_PAGE);
  return new Set(executions.flatMap(({ execution }) => execution?.workflowId ?? []));
}

// Asks the service itself: the SDK's `describe` decodes the memo and fails if it can't be decoded.
async function isOpen(client: Client, workflowId: string, timeoutMs?: number): Promise<boolean> {
  const { namespace } = client.options;
  const request = { namespace, execution: { workflowId } };
  try {
    const describe = () => client.workflowService.describeWorkflowExecution(request);
    const { workflowExecutionInfo } = await temporalCall(client, describe, timeoutMs);
    return !ENDED.includes(Number(workflowExecutionInfo?.status));
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
