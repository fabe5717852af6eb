import type { ToolDescription } from '../../contracts/step.ts';

/** A tool as lists show it. */
export function toolBody({ description = '', ...tool }: ToolDescription) {
  return { ...tool, description };
}
