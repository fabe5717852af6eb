/**
 * Lists of executions, from Temporal's visibility store. The store lags behind by about a second, and some stores
 * compare text without case. Queries are list filters: https://docs.temporal.io/list-filter
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import { isInvalidArgument, temporalCall } from './temporal-call.ts';

/** An execution as Temporal's service lists it, with its memo still encoded. */
export type RawExecution = Parameters<typeof executionInfoFromRaw>[0];

export interface PagePosition {
  pageSize: number;
  /** Empty: the first page. */
  nextPageToken: Uint8Array;
}

export interface Page {
  executions: RawExecution[];
  /** Empty: this page is the last one. */
  nextPageToken: Uint8Array;
}

export interface PagedQuery {
  query: string;
  pageSize: number;
  /**
   * What to do if the namespace lacks the search attributes and so refuses the query: ask this query instead, or
   * find nothing. Default: throw the refusal.
   */
  withoutAttributes?: string | 'find-nothing';
}

export const LAST_PAGE: Readonly<Page> = { executions: [], nextPageToken: new Uint8Array() };
const IDS_PER_PAGE = 1_000;

/** @throws TemporalUnavailable */
export async function listPage(
  client: Client,
  query: string,
  position: PagePosition,
  timeoutMs?: number,
): Promise<Page> {
  const request = { namespace: client.options.namespace, query, ...position };
  const list = () => client.workflowService.listWorkflowExecutions(request);
  const { executions, nextPageToken } = await temporalCall(client, list, timeoutMs);
  return { executions, nextPageToken: nextPageToken ?? new Uint8Array() };
}

/**
 * Lists all executions that a query finds, page by page. A page may be empty.
 *
 * @throws TemporalUnavailable
 */
export async function* listPages(client: Client, query: PagedQuery): AsyncGenerator<RawExecution[]> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await pageOf(client, query, nextPageToken);
    yield page.executions;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

async function pageOf(
  client: Client,
  { query, pageSize, withoutAttributes }: PagedQuery,
  nextPageToken: Uint8Array,
): Promise<Page> {
  try {
    return await listPage(client, query, { pageSize, nextPageToken });
  } catch (error) {
    if (withoutAttributes === undefined || !isInvalidArgument(error)) throw error;
    if (withoutAttributes === 'find-nothing') return LAST_PAGE;
    return listPage(client, withoutAttributes, { pageSize, nextPageToken });
  }
}

/**
 * Lists the ids of the workflows that a query finds, page by page. Decodes nothing, so a memo or input that can't be
 * decoded does not fail the list.
 *
 * @throws TemporalUnavailable
 */
export async function* listWorkflowIds(client: Client, query: string): AsyncGenerator<string[]> {
  for await (const executions of listPages(client, { query, pageSize: IDS_PER_PAGE })) {
    yield executions.flatMap(({ execution }) => execution?.workflowId ?? []);
  }
}

/**
 * Converts an execution to the SDK's form. Leaves out a memo that can't be decoded, because its encoding or its key
 * is unknown to this process. The SDK's own lists read all pages at once, and the conversion is in an internal module
 * of the SDK only.
 */
export function readableExecutionInfo(client: Client, raw: RawExecution): Promise<WorkflowExecutionInfo> {
  return executionInfo(client, raw).catch(() =>
    executionInfo(client, Object.create(raw, { memo: { value: null } })),
  );
}

function executionInfo(client: Client, raw: RawExecution): Promise<WorkflowExecutionInfo> {
  const { loadedDataConverter, namespace } = client.options;
  return executionInfoFromRaw(raw, loadedDataConverter, raw, namespace);
}
