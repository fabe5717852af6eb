import type { Client } from '@temporalio/client';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { mcpServerIdAttribute } from '../contracts/search-attributes.ts';
import type { StepStatus } from '../contracts/step.ts';
import { listPages, type RawExecution, readableExecutionInfo } from '../temporal/visibility.ts';
import { isCreatedWithin, mayBeCreatedWithin, type TimeSpan } from './created-within.ts';
import { startedAs } from './step-identity.ts';
import { statusOf } from './step-summary.ts';

/** Selects open steps of one server, of all users. */
export interface OpenSteps {
  mcpServerId: string;
  status: Extract<StepStatus, 'running' | 'awaiting-input'>;
  /** When they were created. Default: at any time. */
  created?: TimeSpan;
  /** Whether steps without search attributes are found, too, although the namespace has them. Default: no. */
  withoutAttributes?: boolean;
  pageSize: number;
}

/**
 * Lists the workflow ids of open steps, page by page. A page may be empty. Temporal's visibility lags by about a second,
 * so a step that started or changed its status just now may be missed. In a namespace that lacks the search attributes,
 * all open steps are read.
 *
 * @throws TemporalUnavailable
 */
export async function* openStepsOfServer(client: Client, steps: OpenSteps): AsyncGenerator<string[]> {
  const open = openSteps(steps);
  const query = {
    query: [open, ...attributesOf(steps)].join(' AND '),
    withoutAttributes: open,
    pageSize: steps.pageSize,
  };
  for await (const executions of listPages(client, query)) {
    const matching = await mapConcurrently(executions, (raw) => ifMatching(client, steps, raw));
    yield matching.filter((workflowId) => workflowId !== undefined);
  }
}

// Checks exactly: visibility may compare without case, and finds more if the namespace lacks the search attributes.
async function ifMatching(
  client: Client,
  { mcpServerId, status, created }: OpenSteps,
  raw: RawExecution,
): Promise<string | undefined> {
  const execution = await readableExecutionInfo(client, raw);
  if (execution.type !== 'mcpStep' || statusOf(execution) !== status) return undefined;
  if (created !== undefined && !isCreatedWithin(execution, created)) return undefined;
  const server =
    execution.typedSearchAttributes.get(mcpServerIdAttribute) ??
    (await startedAs(client, execution)).mcpServerId;
  return server === mcpServerId ? execution.workflowId : undefined;
}

function openSteps({ created }: OpenSteps): string {
  const open = "WorkflowType = 'mcpStep' AND ExecutionStatus = 'Running'";
  return created === undefined ? open : `${open} AND ${mayBeCreatedWithin(created)}`;
}

function attributesOf({ mcpServerId, status, withoutAttributes = false }: OpenSteps): string[] {
  const has = (name: string, value: string) =>
    withoutAttributes ? `(${name} = '${value}' OR ${name} IS NULL)` : `${name} = '${value}'`;
  const ofServer = canBeQuoted(mcpServerId) ? [has('McpServerId', mcpServerId)] : [];
  return [has('McpStepStatus', status), ...ofServer];
}

/** Whether a visibility query can name the server: it can't escape quotes. Else the caller checks each step. */
export function canBeQuoted(id: string): boolean {
  return !/['"\\]/.test(id);
}
