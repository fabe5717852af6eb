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
    disconnectedAfter({ version, ...key }) {
      const connections = revokeWorkflowIds(key, version).map((id) => splitVersion(id)[0]);
      return connections.some((connection) => (latest.get(connection) ?? 0) > version);
    },
  };
}

/** `revoke/<userId>/<mcpServerId>/<version>`, and `/<account>` where it is not `default` */
function splitVersion(workflowId: string): [connection: string, version: number] {
  const [kind, user, server, version, ...account] = workflowId.split('/');
  return [[kind, user, server, ...account].join('/'), Number(version)];
}
