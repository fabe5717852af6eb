import type { StepMode } from '../contracts/step.ts';
import type { ToolModes } from './options.ts';

/**
 * Returns the mode of a tool. `confirm-destructive` decides by the tool's annotations, and the step decides it, not the
 * agent: annotations are hints of the server, and only Latchkey knows which servers are trusted.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool
 */
export function modeOf(modes: ToolModes | undefined, tool: string): StepMode {
  const { default: others = 'fully-automated', tools = {} } = modes ?? {};
  // Own fields only: `constructor` is a possible name of a tool.
  return (Object.hasOwn(tools, tool) ? tools[tool] : undefined) ?? others;
}

/** Lists the tools that `modes` names and the server does not have: probably misspelt, and so without their mode. */
export function unknownTools(modes: ToolModes | undefined, tools: readonly { name: string }[]): string[] {
  const names = new Set(tools.map(({ name }) => name));
  return Object.keys(modes?.tools ?? {}).filter((name) => !names.has(name));
}
