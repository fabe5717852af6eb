import { DEFAULT_TIMEOUTS_MS, parseDuration, type TimeoutName } from '../../contracts/durations.ts';
import { UNDECODABLE, unreadable } from '../../contracts/lenient-payload-converter.ts';
import type { McpStepInput, SideEffects, StepMode } from '../../contracts/step.ts';
import { stepIdIn, workflowIdProblems } from '../../contracts/step-workflow-id.ts';
import { messageOf } from './field-problems.ts';
import { isObject } from './json-guards.ts';
import { isId, isTimeoutName, stepInputProblems } from './step-input-problems.ts';

/** A step's input with every default filled in. */
export interface StepPlan {
  userId: string;
  mcpServerId: string;
  tool: string;
  arguments: Record<string, unknown>;
  stepId: string;
  title?: string;
  mode: StepMode;
  sideEffects: SideEffects;
  timeoutsMs: Record<TimeoutName, number>;
}

export type ParsedStepInput = { ok: true; plan: StepPlan } | { ok: false; message: string };

/**
 * Checks what any client may have started the workflow with, also against the id that it was started under: over
 * HTTP that id alone says whose step it is. Hand-written, because a schema library costs
 * every cached workflow memory and time; never throws, because that would fail the workflow task for ever.
 */
export function parseStepInput(
  input: unknown,
  workflowId: string,
  isIdBinding: () => boolean = () => true,
): ParsedStepInput {
  if (input === UNDECODABLE) return { ok: false, message: unreadable('input') };
  if (!isObject(input)) return { ok: false, message: 'the input must be one object' };
  const problems = stepInputProblems(input);
  const ofId = problemsOfId(input, workflowId);
  if (problems.length > 0 || (ofId.length > 0 && isIdBinding())) {
    return { ok: false, message: messageOf([...problems, ...ofId]) };
  }
  // The cast names what the checks above have established.
  return { ok: true, plan: withDefaults(input as Record<string, unknown> & McpStepInput, workflowId) };
}

/** What a step with bad input shows of itself: whatever of it makes sense. */
export function planForBadInput(input: unknown, workflowId: string): StepPlan {
  const fields: Record<string, unknown> = isObject(input) ? input : {};
  const textOf = (name: string) => (typeof fields[name] === 'string' ? String(fields[name]) : '');
  return withDefaults(
    { userId: textOf('userId'), mcpServerId: textOf('mcpServerId'), tool: textOf('tool') },
    workflowId,
  );
}

// What is not valid by itself is told as that alone.
function problemsOfId({ userId, stepId }: Record<string, unknown>, workflowId: string): string[] {
  if (!isId(userId)) return [];
  return workflowIdProblems(workflowId, { userId, stepId });
}

function withDefaults(input: McpStepInput, workflowId: string): StepPlan {
  return {
    userId: input.userId,
    mcpServerId: input.mcpServerId,
    tool: input.tool,
    arguments: input.arguments ?? {},
    stepId: input.stepId ?? stepIdIn(workflowId) ?? workflowId,
    ...(input.title && { title: input.title }),
    mode: input.mode ?? 'fully-automated',
    sideEffects: input.sideEffects ?? 'auto',
    timeoutsMs: timeoutsOf(input),
  };
}

function timeoutsOf({ timeouts }: McpStepInput): Record<TimeoutName, number> {
  const chosen = { ...DEFAULT_TIMEOUTS_MS };
  for (const name of Object.keys(chosen).filter(isTimeoutName)) {
    const text = timeouts?.[name];
    chosen[name] = (text && parseDuration(text)) || chosen[name];
  }
  return chosen;
}
