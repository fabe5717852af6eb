import { installMergeSignals } from './step/merge-signals.ts';

export { deliverWebhook } from './background/deliver-webhook.ts';
export { reconcile } from './background/reconcile.ts';
export { renewIdleGrants } from './background/renew-idle-grants.ts';
export { resumeSteps } from './background/resume-steps.ts';
export { revokeGrant } from './background/revoke-grant.ts';
export { mcpStep } from './step/mcp-step.ts';

installMergeSignals();
