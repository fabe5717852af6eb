import type { Client } from '@temporalio/client';
import { temporalCall } from './temporal-call.ts';

const PAGE_SIZE = 1_000;

/**
 * The ids of the workflows that a visibility query finds, page by page. Nothing is decoded: what a client has
 * written into a workflow's memo or input can't get in the way.
 *
 * @throws TemporalUnavailable
 * @see https://docs.temporal.io/list-filter
 */
export async function* workflowIds(client: Client, query: string): AsyncGenerator<string[]> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize: PAGE_SIZE, nextPageToken };
    const answer = await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
    yield answer.executions.flatMap(({ execution }) => execution?.workflowId ?? []);
    nextPageToken = answer.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}
