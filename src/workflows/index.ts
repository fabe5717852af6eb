import { installMergeSignals } from './merge-signals.ts';

export { deliverWebhook } from './deliver-webhook.ts';
export { mcpStep } from './mcp-step.ts';
export { reconcile } from './reconcile.ts';
export { renewIdleGrants } from './renew-idle-grants.ts';
export { resumeSteps } from './resume-steps.ts';
export { revokeGrant } from './revoke-grant.ts';

installMergeSignals();
