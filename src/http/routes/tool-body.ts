import type { ToolDescription } from '../../contracts/step.ts';

/** A tool as lists show it. */
export function toolBody({ name, description = '', inputSchema, annotations }: ToolDescription) {
  return { name, description, inputSchema, ...(annotations && { annotations }) };
}
