import type { Client } from '@temporalio/client';
import type { CredentialKey } from '../contracts/activities.ts';
import { revokeWorkflowId } from '../contracts/step-workflow-id.ts';
import { temporalCall } from './temporal-call.ts';

/** The disconnects that Temporal remembers, by the revocations that they started. */
export interface LostDisconnects {
  /** Whether the user has ended this connection after it was at `version`. */
  isLater(connection: CredentialKey & { version: number }): boolean;
}

const PAGE_SIZE = 1_000;

/**
 * As far back as Temporal retains ended workflows.
 *
 * @throws TemporalUnavailable
 */
export async function lostDisconnects(client: Client): Promise<LostDisconnects> {
  const latest = new Map<string, number>();
  for await (const workflowId of revocations(client)) {
    const [connection, version] = splitVersion(workflowId);
    latest.set(connection, Math.max(latest.get(connection) ?? 0, version));
  }
  return {
    isLater({ userId, mcpServerId, version }) {
      const [connection] = splitVersion(revokeWorkflowId(userId, mcpServerId, version));
      return (latest.get(connection) ?? 0) > version;
    },
  };
}

/** `revoke/<userId>/<mcpServerId>/<version>` */
function splitVersion(workflowId: string): [connection: string, version: number] {
  const end = workflowId.lastIndexOf('/');
  return [workflowId.slice(0, end), Number(workflowId.slice(end + 1))];
}

async function* revocations(client: Client): AsyncGenerator<string> {
  const { namespace } = client.options;
  const query = "WorkflowType = 'revokeGrant'";
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize: PAGE_SIZE, nextPageToken };
    const answer = await temporalCall(client, () => client.workflowService.listWorkflowExecutions(request));
    for (const { execution } of answer.executions) if (execution?.workflowId) yield execution.workflowId;
    nextPageToken = answer.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}
