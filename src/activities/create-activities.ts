/**
 * The activities of a Latchkey worker, one file for each. An activity does the I/O and returns an outcome; the
 * workflow decides what it means for the step. Inputs and outcomes are in contracts/activities.ts.
 */
import type { Client } from '@temporalio/client';
import type { ChangeNotes } from '../changes/change-notes.ts';
import type { InvokeToolInput, InvokeToolOutcome, LatchkeyActivities } from '../contracts/activities.ts';
import type { CredentialWorkflows } from '../credentials/credential-workflows.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import type { RevocationDependencies } from '../credentials/retirement/revoke-pending.ts';
import type { ArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import type { McpPort } from '../mcp/port.ts';
import type { CallLimits } from './call-limits.ts';
import { createCallPlaces } from './call-places.ts';
import { createCheckArguments } from './check-arguments.ts';
import { createDeleteExpired, type DeleteExpiredDependencies } from './delete-expired.ts';
import { createDeliverWebhook, type DeliverWebhookDependencies } from './deliver-webhook.ts';
import { createDescribeTool } from './describe-tool.ts';
import { guardActivities } from './failures.ts';
import { createInvokeTool } from './invoke-tool.ts';
import { createListTools } from './list-tools.ts';
import { createRefreshToken } from './refresh-token.ts';
import { createListServersWithIdleGrants, createRenewIdleGrants } from './renew-idle-grants.ts';
import { createEndServerResumption, createSignalStepsOfServer } from './resume-server.ts';
import { createRevokeGrant } from './revoke-grant.ts';
import { createSignalWaiters } from './signal-waiters.ts';
import { createStartLostWork } from './start-lost-work.ts';
import { createRegisterWaiter, createRemoveWaiter } from './waiters.ts';

export interface ActivityDependencies
  extends RevocationDependencies,
    DeleteExpiredDependencies,
    DeliverWebhookDependencies {
  mcp: McpPort;
  renewal: Renewal;
  client: Client;
  workflows: CredentialWorkflows;
  publicUrl: string;
  limits: CallLimits;
  argumentsChecker: ArgumentsChecker;
  changes: ChangeNotes;
}

/** The activities that a Latchkey worker runs, by their Temporal names. */
export function createActivities(deps: ActivityDependencies): LatchkeyActivities {
  const activities: LatchkeyActivities = {
    invokeTool: noting(deps.changes, createInvokeTool({ ...deps, places: createCallPlaces(deps) })),
    describeTool: createDescribeTool(deps),
    checkArguments: createCheckArguments(deps),
    listTools: createListTools(deps),
    refreshToken: createRefreshToken(deps),
    registerWaiter: createRegisterWaiter(deps),
    removeWaiter: createRemoveWaiter(deps),
    signalWaiters: createSignalWaiters(deps),
    signalStepsOfServer: createSignalStepsOfServer(deps),
    endServerResumption: createEndServerResumption(deps),
    startLostWork: createStartLostWork(deps),
    revokeGrant: createRevokeGrant(deps),
    listServersWithIdleGrants: createListServersWithIdleGrants(deps),
    renewIdleGrants: createRenewIdleGrants(deps),
    deleteExpired: createDeleteExpired(deps),
    deliverWebhook: createDeliverWebhook(deps),
  };
  return guardActivities(activities, deps.logger);
}

/** The pages that the user has open show that the call begins, and what it led to. */
function noting(
  { note }: ChangeNotes,
  invokeTool: (input: InvokeToolInput) => Promise<InvokeToolOutcome>,
): typeof invokeTool {
  return (input) => {
    note(input.userId);
    return invokeTool(input).finally(() => note(input.userId));
  };
}
