import type { McpStepResult, StepErrorCode, ToolResult } from '../../contracts/step.ts';

/** What a step does about an obstacle: it ends, or tries again once that makes sense. */
export type Reaction = McpStepResult | 'try-again';

export function succeed(result: ToolResult): McpStepResult {
  return { status: 'success', result };
}

/** The tool ran and answered that it failed. */
export function toolFailed(result: ToolResult): McpStepResult {
  return {
    status: 'error',
    error: { code: 'tool-error', message: 'the tool answered with an error' },
    result,
  };
}

/** A person said no. */
export function skip(reason: string): McpStepResult {
  return { status: 'skipped', reason };
}

/** `serverMessage`: the server's own words, where it said any. */
export function fail(code: StepErrorCode, message: string, serverMessage?: string): McpStepResult {
  const words = serverMessage === undefined ? {} : { serverMessage };
  return { status: 'error', error: { code, message, ...words } };
}
