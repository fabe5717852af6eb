import type { McpStepInput } from '../contracts/step.ts';
import { refuseSecondSdk } from '../workflows/one-sdk.ts';
import { type AgentStepOutcome, runToEnd, runUntilPaused, type StepOfAgent } from './agent-step.ts';
import { startOrJoin } from './kept-steps.ts';
import { answerOf, type ModelAnswer } from './model-answer.ts';
import { modeOf } from './modes.ts';
import type { AgentOptions } from './options.ts';
import { withNextId } from './step-ids.ts';

/** A call that the model makes. */
export interface ToolCall {
  mcpServerId: string;
  /** Default `default`. */
  account?: string;
  tool: string;
  arguments: Record<string, unknown>;
}

/**
 * Calls a tool and returns what the model sees of it.
 *
 * @throws CancelledFailure or ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`); nothing else
 */
export type ToolCaller = (call: ToolCall) => Promise<ModelAnswer>;

/**
 * Creates the function by which the tools of one agent are called.
 *
 * @throws Error if the Worker's bundle has two copies of `@temporalio/workflow`: a model should not see it as an answer
 */
export function createToolCaller(options: AgentOptions): ToolCaller {
  refuseSecondSdk();
  const start = starterFor(options);
  return (call) =>
    withNextId(async (id) => {
      const { stepId, outcome } = await start({ ...stepInput(call, options), stepId: id });
      return answerOf(outcome, { ...options, stepId });
    });
}

/** Starts a step, or joins one; the id is that of the step that the outcome is of. */
type Start = (step: StepOfAgent) => Promise<{ stepId: string; outcome: AgentStepOutcome }>;

function starterFor(options: AgentOptions): Start {
  const { onPause = 'wait', afterReturn = 'cancel', taskQueue, searchAttributes } = options;
  const stepOptions = {
    ...(taskQueue !== undefined && { taskQueue }),
    ...(searchAttributes !== undefined && { searchAttributes }),
  };
  if (onPause === 'return' && afterReturn === 'keep') return (step) => startOrJoin(step, stepOptions);
  const run = onPause === 'return' ? runUntilPaused : runToEnd;
  return async (step) => ({ stepId: step.stepId, outcome: await run(step, stepOptions) });
}

function stepInput(call: ToolCall, { userId, modes, timeouts }: AgentOptions): McpStepInput {
  const { mcpServerId, account, tool } = call;
  return {
    userId,
    mcpServerId,
    ...(account !== undefined && { account }),
    tool,
    arguments: call.arguments,
    mode: modeOf(modes, tool),
    ...(timeouts && { timeouts }),
  };
}
