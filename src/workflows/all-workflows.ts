/**
 * The workflows, without what `index.ts` does once per workflow. A worker loads these modules once and shares them
 * between its workflows (`temporal/workflow-bundle-options.ts`), so no module here or below may keep state.
 */
export { deliverWebhook } from './background/deliver-webhook.ts';
export { reconcile } from './background/reconcile.ts';
export { renewIdleGrants } from './background/renew-idle-grants.ts';
export { resumeServer } from './background/resume-server.ts';
export { resumeSteps } from './background/resume-steps.ts';
export { revokeGrant } from './background/revoke-grant.ts';
export { mcpStep } from './step/mcp-step.ts';
export { mcpTools } from './tools/mcp-tools.ts';
