import type { McpStepInput, McpStepResult, StepErrorCode, ToolResult } from '../../contracts/step.ts';
import type { Decisions } from './decisions.ts';
import type { CredentialWatch, ServerWatch } from './signals.ts';
import type { StepPlan } from './step-input.ts';
import type { StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

/** A step under way. */
export interface Step {
  input: McpStepInput;
  plan: StepPlan;
  record: StepRecord;
  credential: CredentialWatch;
  server: ServerWatch;
  decisions: Decisions;
  progress: StepProgress;
}

/** The step ends instead of having an answer. */
export interface Ended {
  kind: 'ended';
  result: McpStepResult;
}

/** A step's reaction to an obstacle: it tries again, or ends with this result. */
export type Reaction = McpStepResult | 'try-again';

export function succeed(result: ToolResult): McpStepResult {
  return { status: 'success', result };
}

/** The tool ran and reported an error. */
export function toolFailed(result: ToolResult): McpStepResult {
  return {
    status: 'error',
    error: { code: 'tool-error', message: 'the tool answered with an error' },
    result,
  };
}

/** A person rejected the call. */
export function skip(reason: string): McpStepResult {
  return { status: 'skipped', reason };
}

/** `serverMessage` is the server's own text, if it sent any. */
export function fail(code: StepErrorCode, message: string, serverMessage?: string): McpStepResult {
  return {
    status: 'error',
    error: { code, message, ...(serverMessage !== undefined && { serverMessage }) },
  };
}
