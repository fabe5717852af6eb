/**
 * What the model sees of a call. Nothing here depends on a framework: an adapter turns the parts into what its framework
 * takes.
 */
import type { McpStepResult, StepErrorCode, ToolResult } from '../contracts/step.ts';
import type { AgentStepOutcome } from './agent-step.ts';
import { contentParts, type ModelPart, text } from './content-parts.ts';
import { limitParts, storedNote } from './inline-limit.ts';
import { DEFAULT_MAX_INLINE_BYTES } from './options.ts';
import { pauseText } from './pause-text.ts';
import type { StepReference } from './step-reference.ts';

/**
 * What the model sees of a call. `success`: the tool ran. `error`: it failed, or the call did, as the first part says. `rejected`: a person rejected
 * the call, which was not made. `paused`: a person has to act first, and the model was told instead of waiting.
 */
export interface ModelAnswer {
  /** What became of the call. */
  outcome: 'success' | 'error' | 'rejected' | 'paused';
  /** What the model reads. Never empty. */
  parts: ModelPart[];
  /** The tool's structured content, if `parts` hold all of the result. MCP 2025-11-25, server/tools#structured-content. */
  structuredContent?: Record<string, unknown>;
}

/** What an answer refers to and how much it may hold. */
export interface AnswerOptions extends StepReference {
  maxInlineBytes?: number;
}

/** Returns what the model sees of a step. */
export function answerOf(outcome: AgentStepOutcome, options: AnswerOptions): ModelAnswer {
  switch (outcome.kind) {
    case 'ended':
      return answerOfResult(outcome.result, options);
    case 'paused':
      return { outcome: 'paused', parts: [text(pauseText(outcome, options))] };
    case 'cancelled':
      return failed(
        'The step of this call was cancelled. The tool may or may not have run. Do not repeat the call unless the user asks for it.',
      );
    case 'broken':
      return failed(
        'The step of this call ended without a result. The tool may or may not have run. Do not repeat the call unless the user asks for it.',
      );
    default:
      return outcome satisfies never;
  }
}

function answerOfResult(result: McpStepResult, options: AnswerOptions): ModelAnswer {
  switch (result.status) {
    case 'success':
      return inline('success', result.result, options);
    case 'error':
      return answerOfError(result, options);
    case 'skipped':
      return {
        outcome: 'rejected',
        parts: [text(`A person rejected this call, and it was not made. Reason: ${result.reason}`)],
      };
    default:
      return result satisfies never;
  }
}

function answerOfError(
  { error, result }: Extract<McpStepResult, { status: 'error' }>,
  options: AnswerOptions,
): ModelAnswer {
  const { code, message, serverMessage } = error;
  if (code === 'tool-error' && result !== undefined) {
    return inline('error', result, options, [text('The tool answered with an error (tool-error):')]);
  }
  const server = serverMessage === undefined ? '' : ` The server says: ${serverMessage}`;
  return failed(`Error ${code}: ${message}.${server} ${ADVICE[code]}`);
}

/** What each error means for the model. */
const ADVICE: Record<StepErrorCode, string> = {
  'tool-error': 'The tool ran and failed.',
  'unknown-tool': 'The tool did not run. Use a tool of the list.',
  'invalid-arguments': 'The tool did not run. Correct the arguments before you call it again.',
  forbidden: 'The server does not allow this user to make this call. Repeating it will not help.',
  'server-unavailable': 'The tool did not run: the server could not be reached for a long time.',
  'protocol-error': 'The server did not answer as the protocol requires. The tool may or may not have run.',
  'result-too-large': 'The tool ran, and its result is too large. Do not repeat the call; ask for less.',
  'reauth-timed-out': 'The tool did not run: the user did not connect their account in time.',
  'approval-timed-out': 'The tool did not run: the call was not approved in time.',
  'outcome-unknown':
    'The tool may or may not have run. Do not repeat the call; find out first whether it has run.',
  misconfigured:
    'The tool did not run, and the operator has to fix the configuration. Repeating the call will not help.',
};

function failed(sentence: string): ModelAnswer {
  return { outcome: 'error', parts: [text(sentence)] };
}

function inline(
  outcome: 'success' | 'error',
  result: ToolResult,
  options: AnswerOptions,
  lead: ModelPart[] = [],
): ModelAnswer {
  const { maxInlineBytes = DEFAULT_MAX_INLINE_BYTES } = options;
  if (result.stored !== undefined) {
    return { outcome, parts: [...lead, text(storedNote(result.stored.bytes, options))] };
  }
  const all = contentParts(result);
  const { parts, isWhole } = limitParts(all, maxInlineBytes, options);
  const warnings = (result.warnings ?? []).map((warning) => text(`Note: ${warning}`));
  return {
    outcome,
    parts: [...lead, ...parts, ...warnings],
    ...(isWhole && result.structuredContent && { structuredContent: result.structuredContent }),
  };
}
