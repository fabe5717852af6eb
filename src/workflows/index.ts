/**
 * All workflows of a Latchkey worker: the entry of the bundle. It runs in the workflow sandbox, so import only
 * workflows and contracts. A workflow's exported name is its Temporal type, which histories hold: never rename one.
 */
import { installMergeSignals } from './step/merge-signals.ts';
import { installTraceHeaders } from './trace-headers.ts';

export { deliverWebhook } from './background/deliver-webhook.ts';
export { reconcile } from './background/reconcile.ts';
export { renewIdleGrants } from './background/renew-idle-grants.ts';
export { resumeServer } from './background/resume-server.ts';
export { resumeSteps } from './background/resume-steps.ts';
export { revokeGrant } from './background/revoke-grant.ts';
export { mcpStep } from './step/mcp-step.ts';
export { mcpTools } from './tools/mcp-tools.ts';

installMergeSignals();
installTraceHeaders();
