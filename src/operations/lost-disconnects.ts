import type { Client } from '@temporalio/client';
import type { CredentialKey } from '../contracts/activities.ts';
import { revokeWorkflowIds } from '../contracts/step-workflow-id.ts';
import { listWorkflowIds } from '../temporal/visibility.ts';

/** Disconnects that Temporal still knows although the database was restored to a time before them. */
export interface LostDisconnects {
  /** Whether the user has disconnected since the connection had this version. */
  disconnectedAfter(connection: CredentialKey & { version: number }): boolean;
}

/**
 * Finds disconnects by the revocation workflows that they started, as far back as Temporal retains ended workflows.
 *
 * @throws TemporalUnavailable
 */
export async function lostDisconnects(client: Client): Promise<LostDisconnects> {
  const latest = new Map<string, number>();
  for await (const revocations of listWorkflowIds(client, "WorkflowType = 'revokeGrant'")) {
    for (const [connection, version] of revocations.map(splitVersion)) {
      latest.set(connection, Math.max(latest.get(connection) ?? 0, version));
    }
  }
  return {
    disconnectedAfter({ userId, mcpServerId, version }) {
      const connections = revokeWorkflowIds(userId, mcpServerId, version).map((id) => splitVersion(id)[0]);
      return connections.some((connection) => (latest.get(connection) ?? 0) > version);
    },
  };
}

/** `revoke/<userId>/<mcpServerId>/<version>` */
function splitVersion(workflowId: string): [connection: string, version: number] {
  const end = workflowId.lastIndexOf('/');
  return [workflowId.slice(0, end), Number(workflowId.slice(end + 1))];
}
