import type { ToolDescription } from './step.ts';

/**
 * Whether a tool can only be called as a task. Latchkey makes no such calls: a step is durable by itself.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks#tool-level-negotiation
 */
export function needsTask({ execution }: Pick<ToolDescription, 'execution'>): boolean {
  return execution?.taskSupport === 'required';
}
