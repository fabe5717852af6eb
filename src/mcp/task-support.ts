import { protocolError } from './mcp-failure.ts';
import type { McpFailure } from './port.ts';

export function onlyAsTask(tool: string): McpFailure {
  return protocolError(
    `The tool “${tool}” can only be called as a task (execution.taskSupport “required”), which Latchkey does not do.`,
    'tools/list says execution.taskSupport "required": the tool needs task augmentation',
  );
}
