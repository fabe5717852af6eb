/**
 * The Nexus service `latchkey`, which Latchkey's workers offer to workflows in other namespaces and languages. Callers
 * import it into their workflows. Nexus sends these names: add to them, never rename.
 *
 * @see https://docs.temporal.io/nexus
 */
import { operation, service } from 'nexus-rpc';
import type { McpToolsInput, McpToolsResult } from './mcp-tools.ts';
import type { McpStepInput, McpStepResult } from './step.ts';

/**
 * For `createNexusServiceClient` of `@temporalio/workflow`. Its operations:
 *
 * - `runStep`: takes an `McpStepInput`, returns an `McpStepResult`
 * - `listTools`: takes an `McpToolsInput`, returns an `McpToolsResult`
 */
export const latchkeyService = service('latchkey', {
  /** Runs a step and returns its result. Cancelling the operation cancels the step. */
  runStep: operation<McpStepInput, McpStepResult>(),
  /** Lists the tools of several of a user's servers and accounts. Cancelling the operation cancels the listing. */
  listTools: operation<McpToolsInput, McpToolsResult>(),
});
