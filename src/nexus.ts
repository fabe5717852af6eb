/**
 * The package export `latchkey/nexus`: the Nexus service `latchkey`, for workflows that call it from another namespace.
 * It runs inside workflows, so it must import contracts only. Latchkey's workers handle the operations: see `nexus/`.
 */
export { latchkeyService } from './contracts/latchkey-service.ts';
export type * from './contracts/mcp-tools.ts';
export { type NexusRefusal, nexusRefusalIn } from './contracts/nexus-refusal.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
