import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';

/** An execution as Temporal's service lists it. */
export type RawExecution = Parameters<typeof executionInfoFromRaw>[0];

/**
 * The same as the SDK's own lists have it, its memo decoded. They read all pages, so whoever pages asks the service
 * itself; what makes an execution of its answer the SDK has in an internal module alone.
 */
export function executionInfo(client: Client, raw: RawExecution): Promise<WorkflowExecutionInfo> {
  const { loadedDataConverter, namespace } = client.options;
  return executionInfoFromRaw(raw, loadedDataConverter, raw, namespace);
}

/**
 * The same, without a memo where that is in an encoding, or under a key, that is unknown here: the rest of it is to
 * be had all the same.
 */
export function readableExecutionInfo(client: Client, raw: RawExecution): Promise<WorkflowExecutionInfo> {
  return executionInfo(client, raw).catch(() =>
    executionInfo(client, Object.create(raw, { memo: { value: null } })),
  );
}
