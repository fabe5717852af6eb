import type { ToolDescription } from '../contracts/step.ts';
import { protocolError } from './mcp-failure.ts';
import type { McpFailure } from './port.ts';

/**
 * Whether a tool can only be called as a task. Latchkey makes no such calls: a step is durable by itself.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks#tool-level-negotiation
 */
export function needsTask({ execution }: Pick<ToolDescription, 'execution'>): boolean {
  return execution?.taskSupport === 'required';
}

export function onlyAsTask(tool: string): McpFailure {
  return protocolError(
    `The tool “${tool}” can only be called as a task (execution.taskSupport “required”), which Latchkey does not do.`,
    'tools/list says execution.taskSupport "required": the tool needs task augmentation',
  );
}
