// The package export `latchkey/workflow`: runs inside workflows, so it holds nothing but workflow code.
export type * from './contracts/messages.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
export * from './workflows/index.ts';
export { type RunMcpStepOptions, runMcpStep } from './workflows/run-mcp-step.ts';
