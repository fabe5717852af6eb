// The package export `latchkey/workflow`. It runs inside workflows, so it must import workflow code only.
export type * from './contracts/mcp-tools.ts';
export type * from './contracts/messages.ts';
export { stepNotice, withdraw } from './contracts/messages.ts';
export type * from './contracts/preflight.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
export * from './workflows/index.ts';
export {
  type ListMcpToolsOptions,
  listMcpTools,
  type PreflightInput,
  preflightMcpTools,
} from './workflows/list-mcp-tools.ts';
export { type RunMcpStepOptions, runMcpStep } from './workflows/run-mcp-step.ts';
